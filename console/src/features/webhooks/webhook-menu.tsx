"use client";

import { Ellipsis } from "lucide-react";
import { Button } from "@/components/ui/button";
import { Menu, MenuItem, MenuSeparator } from "@/components/ui/menu";
import type { Webhook } from "@/lib/types";
import type { StopKind } from "./stop-dialog";

/** What is done with a webhook now and then. */
export function WebhookMenu({
  webhook,
  onRotate,
  onSwitchOn,
  onStop,
}: {
  webhook: Webhook;
  onRotate: () => void;
  onSwitchOn: () => void;
  onStop: (kind: StopKind) => void;
}) {
  return (
    <Menu
      trigger={
        <Button size="icon" aria-label="More actions">
          <Ellipsis aria-hidden />
        </Button>
      }
    >
      <MenuItem onClick={onRotate}>New secret…</MenuItem>
      {webhook.enabled ? (
        <MenuItem onClick={() => onStop("off")}>Switch off…</MenuItem>
      ) : (
        <MenuItem onClick={onSwitchOn}>Switch on</MenuItem>
      )}
      <MenuSeparator />
      <MenuItem onClick={() => onStop("delete")} className="text-down">
        Delete…
      </MenuItem>
    </Menu>
  );
}
