import { describe, expect, it } from "vitest";
import { ApiError } from "@/lib/api";
import { readProof, signInProblem } from "./proof";

describe("readProof", () => {
  it.each([
    ["em_key_abc123", { api_key: "em_key_abc123" }],
    ["  http://127.0.0.1:8080/login/#token=AbC-123_xyz ", { token: "AbC-123_xyz" }],
    ["em_once_0123456789abcdef", { token: "em_once_0123456789abcdef" }],
    ["hello", null],
    ["two words that are long enough", null],
    ["", null],
  ])("reads %j", (text, proof) => {
    expect(readProof(text)).toEqual(proof);
  });
});

describe("signInProblem", () => {
  it("says what is wrong with a link or a key, and what to do", () => {
    expect(signInProblem(new ApiError(401, "token_unknown", "x"))).toMatch(/used already.*fresh one/);
    expect(signInProblem(new ApiError(401, "key_unknown", "x"))).toMatch(/revoked/);
  });

  it("keeps the service's words for anything else", () => {
    expect(signInProblem(new ApiError(503, "starting", "The database is starting."))).toBe(
      "The database is starting.",
    );
  });
});
