/** What a description says of its sections; clients of other protocols say it nowhere else. */

/** Whether there is a section for data channels. @param {string} sdp */
export const hasChannels = (sdp) => /^m=application /m.test(sdp);

/** The mids of sections in which the other side sends. @param {string} sdp */
export function sendingMids(sdp) {
  const sections = sdp.split(/^(?=m=)/m).slice(1);
  return sections.flatMap((section) => {
    const isSilent = /^m=\S+ 0 /.test(section) || /^a=(recvonly|inactive)\s*$/m.test(section);
    const mid = /^a=mid:(\S+)/m.exec(section)?.[1];
    return isSilent || mid === undefined ? [] : [mid];
  });
}
