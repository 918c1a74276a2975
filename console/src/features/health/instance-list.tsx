"use client";

import { StateBadge } from "@/components/state";
import { Time } from "@/components/time";
import { cn } from "@/lib/utils";
import type { Instance } from "./overview";

/** The matrix's facts as a table, worst first: its equal for narrow screens and for reading in order. */
export function InstanceList({
  instances,
  selected,
  onOpen,
}: {
  instances: Instance[];
  selected: string | null;
  onOpen: (id: string) => void;
}) {
  return (
    <div className="min-h-0 flex-1 overflow-auto">
      <table className="w-full table-fixed border-collapse text-left">
        <thead className="sticky top-0 z-10 bg-muted text-xs text-muted-foreground">
          <tr className="[&>th]:h-8 [&>th]:px-3 [&>th]:font-normal">
            <th scope="col">System</th>
            <th scope="col" className="w-34">
              State
            </th>
            <th scope="col" className="w-20">
              For
            </th>
            <th scope="col" className="w-32 max-md:hidden">
              Group
            </th>
            <th scope="col" className="w-2/5 max-md:hidden">
              Reason
            </th>
          </tr>
        </thead>
        <tbody>
          {instances.map(({ node, label, system, group }) => (
            <tr
              key={node.id}
              className={cn(
                "relative border-b hover:bg-accent [&>td]:h-9 [&>td]:truncate [&>td]:px-3",
                node.id === selected && "bg-accent",
              )}
            >
              <td>
                <button
                  type="button"
                  data-instance={node.id}
                  onClick={() => onOpen(node.id)}
                  className="focus-inset max-w-full truncate text-left font-medium after:absolute after:inset-0"
                >
                  {system.name} <span className="font-normal text-muted-foreground">{label}</span>
                </button>
              </td>
              <td>
                <StateBadge state={node.health.state} />
              </td>
              <td className="numeric text-xs text-muted-foreground">
                <Time at={node.health.since} as="for" />
              </td>
              <td className="text-muted-foreground max-md:hidden">{group?.name}</td>
              <td className="text-xs text-muted-foreground max-md:hidden">{node.health.reason}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
