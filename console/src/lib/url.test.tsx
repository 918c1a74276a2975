import { act, renderHook } from "@testing-library/react";
import { withNuqsTestingAdapter, type UrlUpdateEvent } from "nuqs/adapters/testing";
import { describe, expect, it, vi } from "vitest";
import { parseAsUuid, useFilters, useSheets } from "./url";

const ENV = "01939f2c-7c1e-7aaa-8aaa-0123456789ab";
const CI = "01939f2c-7c1e-7bbb-8bbb-0123456789ab";

function at(searchParams: string) {
  const onUrlUpdate = vi.fn<(event: UrlUpdateEvent) => void>();
  return { onUrlUpdate, wrapper: withNuqsTestingAdapter({ searchParams, onUrlUpdate, hasMemory: true }) };
}

describe("parsers", () => {
  it("takes UUIDs and nothing else", () => {
    expect(parseAsUuid.parse(ENV.toUpperCase())).toBe(ENV);
    expect(parseAsUuid.parse("env_42")).toBeNull();
    expect(parseAsUuid.parse(`${ENV}'--`)).toBeNull();
  });
});

describe("filters", () => {
  it("reads repeated keys and drops what it does not know", () => {
    const { wrapper } = at("?state=down&state=purple&state=unknown&q=pay&system=1&tag=pci");
    const { result } = renderHook(useFilters, { wrapper });
    expect(result.current[0]).toEqual({
      q: "pay",
      state: ["down", "unknown"],
      system: [],
      group: [],
      tag: ["pci"],
    });
  });

  it("writes repeated keys, in place of the present step of the history", async () => {
    const { wrapper, onUrlUpdate } = at("");
    const { result } = renderHook(useFilters, { wrapper });
    await act(() => result.current[1]({ state: ["down", "degraded"] }));
    const event = onUrlUpdate.mock.calls[0]?.[0];
    expect(event?.queryString).toBe("?state=down&state=degraded");
    expect(event?.options.history).toBe("replace");
  });
});

describe("sheets", () => {
  it("stacks a component on its instance and closes one at a time", async () => {
    const { wrapper, onUrlUpdate } = at(`?env=${ENV}&q=pay`);
    const { result } = renderHook(useSheets, { wrapper });
    await act(async () => result.current.openComponent(CI));
    expect(result.current).toMatchObject({ env: ENV, ci: CI });
    await vi.waitFor(() => expect(onUrlUpdate.mock.lastCall?.[0].options.history).toBe("push"));
    await act(async () => result.current.closeComponent());
    expect(result.current).toMatchObject({ env: ENV, ci: null });
    await act(async () => result.current.closeInstance());
    await vi.waitFor(() => expect(onUrlUpdate.mock.lastCall?.[0].queryString).toBe("?q=pay"));
  });
});
