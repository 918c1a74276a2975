"use client";

import { Toast as Base } from "@base-ui/react/toast";
import { X } from "lucide-react";
import { Button } from "@/components/ui/button";

const manager = Base.createToastManager();

/** Says in passing that something was done, or why it was not. Callable from anywhere. */
export function toast(options: {
  title: string;
  description?: string;
  action?: { label: string; run: () => void };
}) {
  const { action, ...rest } = options;
  manager.add({
    ...rest,
    timeout: action ? 10_000 : 5_000,
    ...(action ? { actionProps: { children: action.label, onClick: action.run } } : {}),
  });
}

function List() {
  return Base.useToastManager().toasts.map((item) => (
    <Base.Root
      key={item.id}
      toast={item}
      data-slot="toast"
      className="rounded-lg border bg-card shadow-popover transition-opacity duration-120 data-ending-style:opacity-0 data-limited:hidden data-starting-style:opacity-0"
    >
      <Base.Content className="flex items-center gap-3 py-2 pr-2 pl-3">
        <div className="min-w-0 flex-1">
          <Base.Title className="font-medium" />
          <Base.Description className="text-xs break-words text-muted-foreground" />
        </div>
        <Base.Action render={<Button />} />
        <Base.Close
          aria-label="Dismiss"
          render={
            <Button variant="ghost" size="icon">
              <X aria-hidden />
            </Button>
          }
        />
      </Base.Content>
    </Base.Root>
  ));
}

/** Where toasts appear; stands once in the layout. */
export function Toaster() {
  return (
    <Base.Provider toastManager={manager} limit={3}>
      <Base.Portal>
        <Base.Viewport className="fixed right-4 bottom-4 z-60 flex w-[calc(100vw-32px)] max-w-90 flex-col gap-2">
          <List />
        </Base.Viewport>
      </Base.Portal>
    </Base.Provider>
  );
}
