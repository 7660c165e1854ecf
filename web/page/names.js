/** What people are called in this page: two who would look alike are told apart by a number. */

/** Letters of other alphabets, and of ours, that are taken for each other (after Unicode's UTS #39). Each row: looks like. */
const ALIKE = [
  ["a", "аα"], ["b", "вβь"], ["c", "с"], ["d", "ԁ"], ["e", "еε"], ["g", "ɡ"], ["h", "нһη"], ["j", "ј"], ["k", "кκ"],
  ["l", "i1|ı!ιіӏ"], ["m", "мμ"], ["o", "0оοσ"], ["p", "рρ"], ["q", "ԛ"], ["s", "ѕ$"], ["t", "тτ"], ["u", "υ"],
  ["v", "νѵ"], ["w", "ԝω"], ["x", "хχ"], ["y", "уγ"], ["z", "ζ"],
];
const LOOKS_LIKE = new Map(ALIKE.flatMap(([letter, others]) => [...others].map((other) => [other, letter])));

/** What is left of a name when all that looks the same is the same. @param {string} name */
export function shapeOf(name) {
  const small = name.normalize("NFKC").replace(/[\p{Default_Ignorable_Code_Point}\s]+/gu, "").toLowerCase();
  return [...small].map((letter) => LOOKS_LIKE.get(letter) ?? letter).join("").replaceAll("rn", "m");
}

/** Whoever was here first keeps the bare name. */
export class Names {
  /** @param {string} mine */
  constructor(mine) {
    /** Whose each shape is. @type {Map<string, string>} */
    this._owners = new Map();
    /** @type {Map<string, {name: string, shown: string}>} */
    this._given = new Map();
    if (mine) this.of({ id: "me", name: mine });
  }

  /** @param {{id: string, name?: string}} peer */
  of({ id, name = "" }) {
    const before = this._given.get(id);
    if (before?.name === name) return before.shown;
    this.forget(id);
    const bare = name || "Somebody";
    let shown = bare;
    for (let number = 2; this._owners.has(shapeOf(shown)); number += 1) shown = `${bare} (${number})`;
    this._owners.set(shapeOf(shown), id);
    this._given.set(id, { name, shown });
    return shown;
  }

  /** Who is gone leaves the name to whoever comes next. @param {string} id */
  forget(id) {
    const given = this._given.get(id);
    if (!given) return;
    this._given.delete(id);
    this._owners.delete(shapeOf(given.shown));
  }
}
