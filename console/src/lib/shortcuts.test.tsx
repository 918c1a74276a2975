import { fireEvent, render } from "@testing-library/react";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { letterKeys, useShortcuts } from "./shortcuts";

const actions = { "/": vi.fn(), "g o": vi.fn(), "Ctrl K": vi.fn(), "Shift D": vi.fn() };

function Page() {
  useShortcuts(actions);
  useShortcuts(actions);
  return <input aria-label="field" />;
}

describe("useShortcuts", () => {
  beforeEach(() => {
    Object.values(actions).forEach((action) => action.mockClear());
    letterKeys.set(true);
  });

  it("knows keys, combinations and sequences, however many listen", () => {
    render(<Page />);
    fireEvent.keyDown(document.body, { key: "/" });
    fireEvent.keyDown(document.body, { key: "g" });
    fireEvent.keyDown(document.body, { key: "o" });
    fireEvent.keyDown(document.body, { key: "k", ctrlKey: true });
    fireEvent.keyDown(document.body, { key: "D", shiftKey: true });
    for (const action of Object.values(actions)) expect(action).toHaveBeenCalled();
  });

  it("leaves whoever types alone, but not the palette's key", () => {
    const field = render(<Page />).getByLabelText("field");
    fireEvent.keyDown(field, { key: "/" });
    expect(actions["/"]).not.toHaveBeenCalled();
    fireEvent.keyDown(field, { key: "k", ctrlKey: true });
    expect(actions["Ctrl K"]).toHaveBeenCalled();
  });

  it("can be switched off", () => {
    letterKeys.set(false);
    render(<Page />);
    fireEvent.keyDown(document.body, { key: "/" });
    expect(actions["/"]).not.toHaveBeenCalled();
  });
});
