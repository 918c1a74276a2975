"use client";

import { Command } from "cmdk";
import { Box, CircleHelp, Link2, LogOut, Moon, Search } from "lucide-react";
import { useRouter } from "next/navigation";
import { useMemo, useState, type ReactNode } from "react";
import { StateIcon } from "@/components/state";
import { toast } from "@/components/ui/toast";
import { useSession, useSignOut } from "@/features/access";
import { pathOf, useComponentSearch, useFleet, type Fleet, type FleetNode } from "@/features/health";
import { useDelayed } from "@/lib/delayed";
import { fullName, shortName } from "@/lib/names";
import { paths } from "@/lib/paths";
import { toggleTheme } from "@/lib/theme";
import { useScope, useSheets } from "@/lib/url";
import { sectionsFor } from "./sections";

const SEARCH_DELAY_MS = 150;
const ITEM =
  "flex h-8 items-center gap-2.5 rounded-sm px-2 text-sm select-none data-[selected=true]:bg-accent coarse:h-10 [&_svg]:size-3.5 [&_svg]:shrink-0";
const GROUP =
  "[&_[cmdk-group-heading]]:px-2 [&_[cmdk-group-heading]]:pt-2 [&_[cmdk-group-heading]]:pb-1 [&_[cmdk-group-heading]]:text-2xs [&_[cmdk-group-heading]]:text-muted-foreground";

/** Entities by name, then actions and navigation; components come from the server, which knows them all. */
export function PaletteContent({ close, onHelp }: { close: () => void; onHelp: () => void }) {
  const [text, setText] = useState("");
  const searched = useDelayed(text.trim(), SEARCH_DELAY_MS);
  const router = useRouter();
  const signOut = useSignOut();
  const session = useSession().data;
  const { openInstance, openComponent } = useSheets();
  const [, setScope] = useScope();
  const fleet = useFleet().data;
  const entities = useMemo(() => (fleet ? entitiesOf(fleet) : []), [fleet]);
  const components = useComponentSearch(searched);

  const run = (action: () => void) => () => {
    close();
    action();
  };
  const openEntity = (node: FleetNode) =>
    node.kind === "instance" ? openInstance(node.id) : void setScope({ scope: node.id });

  return (
    <Command label="Search or jump to" loop>
      <div className="flex items-center gap-2 border-b px-3">
        <Search aria-hidden className="size-4 shrink-0 text-muted-foreground" />
        <Command.Input
          autoFocus
          value={text}
          onValueChange={setText}
          placeholder="Search or type a command…"
          className="h-11 min-w-0 flex-1 bg-transparent text-base outline-none"
        />
      </div>
      <Command.List className="max-h-[min(420px,60vh)] overflow-auto scroll-py-2 p-1">
        <Command.Empty className="px-3 py-6 text-center text-muted-foreground">
          {components.isFetching ? "Searching…" : "Nothing by that name."}
        </Command.Empty>
        {text === "" ? null : (
          <Command.Group heading="Environments" className={GROUP}>
            {entities.map(({ node, where }) => (
              <Item
                key={node.id}
                value={`${where} ${node.name} ${node.id}`}
                onSelect={run(() => openEntity(node))}
              >
                <StateIcon state={node.health.state} labelled />
                <span className="truncate">
                  {where} <span className="text-muted-foreground">{shortName(node.name, where)}</span>
                </span>
              </Item>
            ))}
          </Command.Group>
        )}
        {components.data?.length ? (
          <Command.Group heading="Components" className={GROUP}>
            {components.data.map((component) => (
              <Item
                key={component.id}
                value={`${component.name} ${component.key} ${component.id} ${searched}`}
                onSelect={run(() => openComponent(component.id))}
              >
                <Box aria-hidden className="text-muted-foreground" />
                <span className="truncate">
                  {component.name}{" "}
                  <span className="text-muted-foreground">
                    {fleet ? whereOf(fleet, component.instance) : ""}
                  </span>
                </span>
              </Item>
            ))}
          </Command.Group>
        ) : null}
        <Command.Group heading="Go to" className={GROUP}>
          {sectionsFor(session)
            .flatMap(({ pages = [], ...section }) => [
              section,
              ...pages.map((page) => ({ ...page, icon: section.icon })),
            ])
            .map(({ name, path, icon: Icon }) => (
              <Item key={path} value={`go to ${name}`} onSelect={run(() => router.push(path))}>
                <Icon aria-hidden />
                {name}
              </Item>
            ))}
        </Command.Group>
        <Command.Group heading="Actions" className={GROUP}>
          <Item value="switch theme light dark" onSelect={run(toggleTheme)}>
            <Moon aria-hidden />
            Switch between light and dark
          </Item>
          <Item value="copy link share address" onSelect={run(copyLink)}>
            <Link2 aria-hidden />
            Copy a link to this view
          </Item>
          <Item value="keyboard shortcuts help" onSelect={run(onHelp)}>
            <CircleHelp aria-hidden />
            Keyboard shortcuts
          </Item>
          <Item
            value="sign out log out"
            onSelect={run(() => signOut.mutate(undefined, { onSuccess: () => router.replace(paths.login) }))}
          >
            <LogOut aria-hidden />
            Sign out
          </Item>
        </Command.Group>
      </Command.List>
    </Command>
  );
}

function Item({ value, onSelect, children }: { value: string; onSelect: () => void; children: ReactNode }) {
  return (
    <Command.Item value={value} onSelect={onSelect} className={ITEM}>
      {children}
    </Command.Item>
  );
}

function entitiesOf(fleet: Fleet): { node: FleetNode; where: string }[] {
  return [...fleet.nodes.values()]
    .filter(({ kind }) => kind === "instance" || kind === "business_unit" || kind === "organisation")
    .map((node) => ({ node, where: node.kind === "instance" ? systemOf(fleet, node) : "Scope" }));
}

function systemOf(fleet: Fleet, node: FleetNode): string {
  return pathOf(fleet, node.id).at(-1)?.name ?? "";
}

function whereOf(fleet: Fleet, instance: string): string {
  const node = fleet.nodes.get(instance);
  return node ? fullName(node.name, systemOf(fleet, node)) : "";
}

async function writeLink(): Promise<void> {
  await navigator.clipboard.writeText(location.href);
  toast({ title: "Link copied" });
}

function copyLink(): void {
  void writeLink();
}
