/**
 * Do this in a task of its own, soon also in a page that nobody looks at: browsers slow down its timers, not its
 * messages.
 *
 * @param {() => void} task
 */
export function later(task) {
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = () => {
    port1.close();
    task();
  };
  port2.postMessage(null);
}
