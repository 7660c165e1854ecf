/** Monotonic time, in seconds. */
export const now = () => performance.now() / 1000;
