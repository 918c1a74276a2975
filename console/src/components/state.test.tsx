import { render, screen } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { HEALTH_STATES } from "@/lib/types";
import { STATE, StateBadge } from "./state";

describe("health states", () => {
  it.each(HEALTH_STATES)("says %s in words and by an icon, not by colour alone", (state) => {
    const { container } = render(<StateBadge state={state} />);
    expect(screen.getByText(STATE[state].word)).toBeTruthy();
    expect(container.querySelector("svg[aria-hidden]")).toBeTruthy();
  });

  it("gives each state an icon and a form of its own", () => {
    const looks = HEALTH_STATES.map((state) => STATE[state]);
    expect(new Set(looks.map(({ icon }) => icon)).size).toBe(looks.length);
    expect(new Set(looks.map(({ badge }) => badge)).size).toBe(looks.length);
  });

  it("orders them by severity", () => {
    expect(HEALTH_STATES).toEqual(["down", "degraded", "unknown", "maintenance", "operational"]);
  });
});
