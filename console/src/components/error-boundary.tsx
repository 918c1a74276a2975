"use client";

import { Component, type ReactNode } from "react";
import { ErrorView } from "@/components/views";
import { reloadOnce } from "@/lib/reload";

/** Keeps a failure inside one panel: the rest of the page stays. */
export class ErrorBoundary extends Component<{ what: string; children: ReactNode }, { error: unknown }> {
  override state: { error: unknown } = { error: null };

  static getDerivedStateFromError(error: unknown) {
    return { error };
  }

  override componentDidCatch(error: unknown): void {
    reloadOnce(error);
  }

  override render(): ReactNode {
    if (this.state.error === null) return this.props.children;
    return (
      <ErrorView
        error={this.state.error}
        what={this.props.what}
        onRetry={() => this.setState({ error: null })}
      />
    );
  }
}
