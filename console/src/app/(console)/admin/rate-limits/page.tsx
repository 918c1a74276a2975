import type { Metadata } from "next";
import { RateLimitsPage } from "@/features/rate-limits/rate-limits-page";

export const metadata: Metadata = { title: "Rate limits · Environment Manager" };

export default function Page() {
  return <RateLimitsPage />;
}
