"use client";

import { ChevronDown } from "lucide-react";
import type { ReactNode } from "react";
import { Button } from "@/components/ui/button";
import { Menu, MenuCheckboxItem } from "@/components/ui/menu";

export interface FilterOption<T extends string> {
  value: T;
  label: string;
  icon?: ReactNode;
}

/** A button that opens a list of choices, several of which may hold. Typing jumps to a choice by its name. */
export function FilterMenu<T extends string>({
  label,
  options,
  value,
  onChange,
}: {
  label: string;
  options: readonly FilterOption<T>[];
  value: T[];
  onChange: (value: T[]) => void;
}) {
  const chosen = options.filter((option) => value.includes(option.value));
  const summary = chosen.length > 1 ? `${chosen.length}` : chosen[0]?.label;
  return (
    <Menu
      align="start"
      trigger={
        <Button aria-label={`Filter by ${label.toLowerCase()}`} className="max-w-52 font-normal">
          <span className={summary ? "text-muted-foreground" : undefined}>{label}</span>
          {summary ? <span className="truncate font-medium">{summary}</span> : null}
          <ChevronDown aria-hidden className="text-muted-foreground" />
        </Button>
      }
    >
      {options.map((option) => (
        <MenuCheckboxItem
          key={option.value}
          checked={value.includes(option.value)}
          onCheckedChange={(checked: boolean) =>
            onChange(checked ? [...value, option.value] : value.filter((each) => each !== option.value))
          }
        >
          {option.icon}
          <span className="truncate">{option.label}</span>
        </MenuCheckboxItem>
      ))}
    </Menu>
  );
}
