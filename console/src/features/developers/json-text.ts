// JSON as text in an editor: whether it is right and else where not, where each value stands, and its parts for
// colouring. Pure.

export type TokenKind = "key" | "string" | "number" | "word" | "mark" | "space" | "wrong";

export interface Token {
  kind: TokenKind;
  text: string;
}

const TOKEN =
  /(\s+)|("(?:[^"\\\n]|\\.)*")|(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|(true|false|null)|([{}[\],:])|([^\s"{}[\],:]+|")/g;
const KINDS: TokenKind[] = ["space", "string", "number", "word", "mark", "wrong"];

/** The parts of a text, whether or not it is JSON; together they are the text. */
export function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  for (const match of text.matchAll(TOKEN)) {
    const kind = KINDS[match.slice(1).findIndex((part) => part !== undefined)] ?? "wrong";
    if (match[0] === ":") markKey(tokens);
    tokens.push({ kind, text: match[0] });
  }
  return tokens;
}

/** The text before a colon is the name of a member. */
function markKey(tokens: Token[]): void {
  const before = tokens.findLast(({ kind }) => kind !== "space");
  if (before?.kind === "string") before.kind = "key";
}

export interface Reading {
  /** The value; undefined when the text is not JSON. */
  value: unknown;
  /** What is wrong, on which line, counted from 1; null for JSON. */
  error: { message: string; line: number } | null;
  /** The line of each value by its JSON pointer. */
  lines: ReadonlyMap<string, number>;
}

class Wrong extends Error {}

/** Reads a text as JSON, and remembers where its values stand. */
export function readJson(text: string): Reading {
  const tokens = tokenize(text);
  const lines = new Map<string, number>();
  let [at, line] = [0, 1];

  const skip = () => {
    for (; tokens[at]?.kind === "space"; at++) line += count(tokens[at]!.text);
  };
  const take = (): Token => {
    skip();
    const token = tokens[at];
    if (!token) throw new Wrong("The text ends too early.");
    at++;
    return token;
  };
  const peek = (): string | undefined => {
    skip();
    return tokens[at]?.text;
  };
  const members = (close: string, member: (index: number) => void) => {
    for (let index = 0; ; index++) {
      if (peek() === close && index === 0) break;
      member(index);
      const { text: next } = take();
      if (next === close) return;
      if (next !== ",") throw new Wrong(`Here stands ${next} instead of , or ${close}.`);
      if (peek() === close) throw new Wrong(`No comma may stand before ${close}.`);
    }
    take();
  };
  const value = (pointer: string): void => {
    skip();
    lines.set(pointer, line);
    const token = take();
    if (token.text === "{") {
      members("}", () => {
        const name = take();
        if (name.kind !== "key")
          throw new Wrong(`Here stands ${name.text} instead of a member's name in quotes.`);
        if (take().text !== ":") throw new Wrong("After a member's name comes a colon.");
        value(`${pointer}/${String(parse(name.text)).replaceAll("~", "~0").replaceAll("/", "~1")}`);
      });
    } else if (token.text === "[") {
      members("]", (index) => value(`${pointer}/${index}`));
    } else if (!["string", "number", "word"].includes(token.kind)) {
      throw new Wrong(token.text === '"' ? "A text is not closed." : `${token.text} is no value.`);
    } else {
      parse(token.text);
    }
  };

  try {
    value("");
    const rest = peek();
    if (rest !== undefined) throw new Wrong(`Nothing may follow, but here stands ${rest}.`);
    return { value: JSON.parse(text), error: null, lines };
  } catch (error) {
    return { value: undefined, error: { message: error instanceof Error ? error.message : "", line }, lines };
  }
}

function count(space: string): number {
  return space.split("\n").length - 1;
}

/** A single value; its escapes, too, have to be right. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new Wrong(`${text} is no value.`);
  }
}
