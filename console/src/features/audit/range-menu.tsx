"use client";

import { ChevronDown } from "lucide-react";
import { useState } from "react";
import { lazyDialog } from "@/components/lazy-dialog";
import { Button } from "@/components/ui/button";
import { Menu, MenuItem, MenuRadioGroup, MenuRadioItem, MenuSeparator } from "@/components/ui/menu";
import { formatDay } from "@/lib/format";
import { rangeLabel, RANGES, type JournalFilters } from "./filters";

const RangeDialog = lazyDialog(() => import("./range-dialog").then((module) => module.RangeDialog));

type Range = Pick<JournalFilters, "from" | "to">;

/** The range of time: one that goes with the clock, or from one instant to another. */
export function RangeMenu({ from, to, onChange }: Range & { onChange: (range: Range) => void }) {
  const [custom, setCustom] = useState(false);
  const label = rangeLabel({ from, to }, formatDay);
  return (
    <>
      <Menu
        align="start"
        trigger={
          <Button aria-label={`Filter by time: ${label ?? "any"}`} className="max-w-72 font-normal">
            <span className={label ? "text-muted-foreground" : undefined}>Time</span>
            {label ? <span className="truncate font-medium">{label}</span> : null}
            <ChevronDown aria-hidden className="text-muted-foreground" />
          </Button>
        }
      >
        <MenuRadioGroup
          value={to ? "custom" : (from ?? "")}
          onValueChange={(value: string) => onChange({ from: value || null, to: null })}
        >
          <MenuRadioItem value="">Any time</MenuRadioItem>
          {RANGES.map((range) => (
            <MenuRadioItem key={range.from} value={range.from}>
              {range.label}
            </MenuRadioItem>
          ))}
        </MenuRadioGroup>
        <MenuSeparator />
        <MenuItem onClick={() => setCustom(true)} className="pl-7.5">
          From … to …
        </MenuItem>
      </Menu>
      <RangeDialog open={custom} onOpenChange={setCustom} from={from} to={to} onChange={onChange} />
    </>
  );
}
