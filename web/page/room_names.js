/** Names for new rooms: not to be guessed, since whoever knows the name may enter. */

// RFC 4648 base 32 without letters and digits that are mistaken for each other; still 32 of them.
const ALPHABET = "abcdefghjkmnpqrstuvwxyz023456789";
const GROUPS = 4;
const GROUP_CHARACTERS = 4;

/** 80 random bits, in groups that can be read aloud. */
export function randomRoomName() {
  const random = crypto.getRandomValues(new Uint8Array(GROUPS * GROUP_CHARACTERS));
  const characters = [...random].map((byte) => ALPHABET[byte % ALPHABET.length]).join("");
  return (characters.match(/.{4}/g) ?? []).join("-");
}
