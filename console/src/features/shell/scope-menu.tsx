"use client";

import { ChevronDown } from "lucide-react";
import { Fragment } from "react";
import { Button } from "@/components/ui/button";
import { Menu, MenuRadioGroup, MenuRadioItem } from "@/components/ui/menu";
import { pathOf, useFleet, type Fleet, type FleetNode } from "@/features/health";
import { useScope } from "@/lib/url";
import { cn } from "@/lib/utils";

const INDENT = ["", "pl-6", "pl-10", "pl-14"];

/** The organisation or business unit that the page is narrowed to, and the way to another. */
export function ScopeMenu() {
  const fleet = useFleet().data;
  const [{ scope }, setScope] = useScope();
  const scopes = fleet ? scopesOf(fleet) : [];
  const organisations = scopes.filter(({ depth }) => depth === 0);
  if (!fleet || organisations.length === 0) return <span className="max-md:flex-1" />;

  const chosen = scope ? fleet.nodes.get(scope) : undefined;
  const shown = chosen ?? (organisations.length === 1 ? organisations[0]?.node : undefined);
  const names = shown ? [...pathOf(fleet, shown.id), shown].map((node) => node.name) : ["All organisations"];

  return (
    <Menu
      align="start"
      trigger={
        <Button
          variant="ghost"
          className="max-w-72 min-w-0 shrink text-sm"
          aria-label={`Scope: ${names.join(" › ")}`}
        >
          <span className="truncate">
            {names.map((name, index) => (
              <Fragment key={index}>
                {index > 0 ? <span className="px-1 font-normal text-muted-foreground">›</span> : null}
                {name}
              </Fragment>
            ))}
          </span>
          <ChevronDown aria-hidden className="text-muted-foreground" />
        </Button>
      }
    >
      <MenuRadioGroup
        value={chosen?.id ?? ""}
        onValueChange={(value: string) => void setScope({ scope: value || null })}
      >
        <MenuRadioItem value="">
          {organisations.length === 1 ? "Whole organisation" : "All organisations"}
        </MenuRadioItem>
        {scopes
          .filter(({ depth }) => depth > 0 || organisations.length > 1)
          .map(({ node, depth }) => (
            <MenuRadioItem key={node.id} value={node.id}>
              <span className={cn("truncate", INDENT[Math.min(depth - 1, 3)])}>{node.name}</span>
            </MenuRadioItem>
          ))}
      </MenuRadioGroup>
    </Menu>
  );
}

function scopesOf(fleet: Fleet): { node: FleetNode; depth: number }[] {
  return [...fleet.nodes.values()]
    .filter((node) => node.kind === "organisation" || node.kind === "business_unit")
    .map((node) => ({ node, depth: pathOf(fleet, node.id).length }));
}
