"use client";

import { Dialog } from "@/components/ui/dialog";
import { Kbd } from "@/components/ui/kbd";
import { letterKeys, setLetterKeys } from "@/lib/shortcuts";
import { useSignal } from "@/lib/signal";
import { sections } from "./sections";

const KEYS: [string[], string][] = [
  [["Ctrl", "K"], "Search or jump to"],
  [["/"], "Filter the page"],
  ...sections.map(({ letter, name }): [string[], string] => [["g", letter], `Go to ${name}`]),
  [["←", "↑", "→", "↓"], "Move in the matrix"],
  [["Enter"], "Open what is focused"],
  [["Esc"], "Close the top sheet"],
  [["j", "k"], "Next, previous row"],
  [["u"], "Apply waiting changes"],
  [["Shift", "D"], "Light or dark"],
  [["?"], "This list"],
];

export function ShortcutsDialog({
  open,
  onOpenChange,
}: {
  open: boolean;
  onOpenChange: (open: boolean) => void;
}) {
  const on = useSignal(letterKeys);
  return (
    <Dialog open={open} onOpenChange={onOpenChange} title="Keyboard shortcuts">
      <dl className="grid grid-cols-[1fr_auto] gap-y-2">
        {KEYS.map(([keys, meaning]) => (
          <div key={meaning} className="contents">
            <dt>{meaning}</dt>
            <dd className="flex justify-end gap-1">
              {keys.map((key) => (
                <Kbd key={key}>{key}</Kbd>
              ))}
            </dd>
          </div>
        ))}
      </dl>
      <label className="mt-4 flex min-h-6 items-center gap-2 border-t pt-3">
        <input
          type="checkbox"
          checked={on}
          onChange={(event) => setLetterKeys(event.target.checked)}
          className="size-4 accent-primary"
        />
        Single-letter keys act
      </label>
    </Dialog>
  );
}
