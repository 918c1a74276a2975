import { cleanup, render, screen } from "@testing-library/react";
import { afterEach, expect, it } from "vitest";
import type { Check } from "@/lib/types";
import { HeartbeatAddress } from "./heartbeat-address";

afterEach(cleanup);

const check = (more: Partial<Check>) => ({ kind: "heartbeat", interval_s: 30, spec: {}, ...more }) as Check;

it("shows who may write the check where to call", () => {
  render(<HeartbeatAddress check={check({ heartbeat_path: "/hooks/heartbeats/secret" })} />);
  expect(screen.getByText(`${location.origin}/hooks/heartbeats/secret`)).toBeDefined();
  expect(screen.getByRole("button", { name: "Copy the address to call" })).toBeDefined();
  expect(screen.getByText("A call is expected every 30 s, with 30 s of grace.")).toBeDefined();
});

it("says to others how often a call is expected", () => {
  render(<HeartbeatAddress check={check({ spec: { interval_s: 604_800 } })} />);
  expect(screen.queryByRole("button")).toBeNull();
  expect(screen.getByText(/every 7 d, with 1 h of grace\. Who may/)).toBeDefined();
});
