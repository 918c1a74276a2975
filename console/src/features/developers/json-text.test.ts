import { describe, expect, it } from "vitest";
import { readJson, tokenize } from "./json-text";

describe("reading", () => {
  it("tells the value, and the line of each part", () => {
    const { value, error, lines } = readJson('{\n  "a": [1,\n    {"b/c": null}],\n  "d": "x"\n}');
    expect(value).toEqual({ a: [1, { "b/c": null }], d: "x" });
    expect(error).toBeNull();
    expect(Object.fromEntries(lines)).toEqual({
      "": 1,
      "/a": 2,
      "/a/0": 2,
      "/a/1": 3,
      "/a/1/b~1c": 3,
      "/d": 4,
    });
  });

  it.each([
    ["", 1, "The text ends too early."],
    ['{"a": 1,\n}', 2, "No comma may stand before }."],
    ["[1, 2,]", 1, "No comma may stand before ]."],
    ["{\n  a: 1\n}", 2, "Here stands a instead of a member's name in quotes."],
    ['{"a" 1}', 1, 'Here stands "a" instead of a member\'s name in quotes.'],
    ['{"a": 1\n"b": 2}', 2, 'Here stands "b" instead of , or }.'],
    ["[1\n", 2, "The text ends too early."],
    ['"open', 1, "A text is not closed."],
    ["{} []", 1, "Nothing may follow, but here stands [."],
    ["nul", 1, "nul is no value."],
    ['"\\x"', 1, '"\\x" is no value.'],
    ["01", 1, "01 is no value."],
  ])("%j is wrong on line %i", (text, line, message) => {
    const { value, error } = readJson(text);
    expect(value).toBeUndefined();
    expect(error?.line).toBe(line);
    expect(error?.message).toBe(message);
  });

  it.each(["1e5", "-0.5", "true", '"a\\n\\u00e9"', "[]", "{}", " [ [ ] , { } ] "])(
    "agrees with the browser about %j",
    (text) => {
      expect(readJson(text).value).toEqual(JSON.parse(text));
    },
  );
});

it("colours any text without losing a part of it", () => {
  for (const text of ['{"a": [1, true, "x"]}', "{'no", '"open\n next"', "{]][ 1.2.3 ~~ \u00e9"]) {
    expect(
      tokenize(text)
        .map((token) => token.text)
        .join(""),
    ).toBe(text);
  }
  expect(tokenize('{"a": "b"}').map(({ kind }) => kind)).toEqual([
    "mark",
    "key",
    "mark",
    "space",
    "string",
    "mark",
  ]);
});
