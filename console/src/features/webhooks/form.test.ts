import { describe, expect, it } from "vitest";
import {
  draftBody,
  draftErrors,
  isSame,
  mergeValues,
  NEW_WEBHOOK,
  newBody,
  patchOf,
  readErrors,
} from "./form";

const values = {
  ...NEW_WEBHOOK,
  name: " Board ",
  url: "https://hooks.example/em",
  events: ["system.*", "health.status_changed"],
};

describe("bodies", () => {
  it("sends what is filled in, and null where nothing is", () => {
    expect(newBody(values)).toEqual({
      name: "Board",
      description: null,
      url: "https://hooks.example/em",
      events: ["system.*", "health.status_changed"],
      filter: null,
      concurrency: 4,
      enabled: true,
    });
    expect(newBody({ ...values, secret: " whsec_x ", organisation: "o", concurrency: "" })).toMatchObject({
      secret: "whsec_x",
      organisation: "o",
      concurrency: null,
    });
  });

  it("a change names only what has changed; the order of events is none", () => {
    expect(patchOf(values, { ...values, events: [...values.events].reverse(), name: "Board" })).toEqual({});
    expect(patchOf({ ...values, filter: "tag=a" }, { ...values, filter: "", enabled: false })).toEqual({
      filter: null,
      enabled: false,
    });
    expect(isSame(values, { ...values, events: [...values.events].reverse() })).toBe(true);
    expect(isSame(values, { ...values, secret: "x" })).toBe(false);
  });

  it("a dry run never carries a secret, and has something right for what is missing", () => {
    const body = draftBody({ ...NEW_WEBHOOK, filter: " tag=a ", secret: "whsec_x" });
    expect(body).toMatchObject({ events: ["*"], filter: "tag=a" });
    expect(body.name).not.toBe("");
    expect(JSON.stringify(body)).not.toContain("whsec");
  });
});

describe("refusals", () => {
  const refusal = {
    detail: "Some fields are not right.",
    errors: [
      { pointer: "/events/1", code: "denied", detail: "You may not read it." },
      { pointer: "/events/0", code: "unknown", detail: "There is no such event." },
      { pointer: "/filter", code: "invalid", detail: "It must be an id." },
      { pointer: "/colour", code: "unknown", detail: "There is no such member." },
    ],
  };

  it("stand at their fields, events by their names; what has no field is said apart", () => {
    expect(readErrors(refusal, values)).toEqual({
      fields: {
        events: "health.status_changed: You may not read it. system.*: There is no such event.",
        filter: "It must be an id.",
      },
      rest: ["/colour: There is no such member."],
    });
    expect(readErrors({ errors: [], detail: "There may be at most 1000." }, values)).toEqual({
      fields: {},
      rest: ["There may be at most 1000."],
    });
  });

  it("of a dry run count only for what the person has chosen", () => {
    expect(draftErrors(refusal, { events: [] })).toEqual({ filter: "It must be an id." });
    expect(Object.keys(draftErrors(refusal, values))).toEqual(["filter", "events"]);
  });
});

describe("a lost race", () => {
  const base = { ...values, filter: "tag=a" };

  it("takes over what only the other has changed and keeps what only the person has", () => {
    const mine = { ...base, name: "Mine" };
    const merged = mergeValues(base, mine, { ...base, filter: "tag=b" });
    expect(merged.values).toEqual({ ...mine, filter: "tag=b" });
    expect(merged.conflicts).toEqual([{ field: "filter", before: "tag=a", theirs: "tag=b", mine: null }]);
  });

  it("tells what both have changed, and keeps the person's until they decide", () => {
    const merged = mergeValues(
      base,
      { ...base, filter: "tag=c" },
      { ...base, filter: "tag=b", enabled: false },
    );
    expect(merged.values).toEqual({ ...base, filter: "tag=c", enabled: false });
    expect(merged.conflicts).toEqual([
      { field: "filter", before: "tag=a", theirs: "tag=b", mine: "tag=c" },
      { field: "enabled", before: true, theirs: false, mine: null },
    ]);
  });

  it("is none where both wrote the same", () => {
    const merged = mergeValues(base, { ...base, filter: "tag=b" }, { ...base, filter: "tag=b" });
    expect(merged.conflicts).toEqual([]);
  });
});
