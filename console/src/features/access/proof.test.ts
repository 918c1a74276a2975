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
  it("tells a used link from an expired one", () => {
    expect(signInProblem(new ApiError(401, "token_used", "x"))).toMatch(/used already/);
    expect(signInProblem(new ApiError(401, "token_expired", "x"))).toMatch(/expired/);
  });

  it("keeps the server's words for anything else", () => {
    expect(signInProblem(new ApiError(401, "key_unknown", "No such key"))).toMatch(/^No such key\./);
  });
});
