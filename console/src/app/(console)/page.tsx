import { OverviewPage } from "@/features/health/overview-page";

export default function Page() {
  return <OverviewPage />;
}
