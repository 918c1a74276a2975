import type { Metadata } from "next";
import { HealthPage } from "@/features/health/health-page";

export const metadata: Metadata = { title: "Health · Environment Manager" };

export default function Page() {
  return <HealthPage />;
}
