import { OverviewPage } from "@/features/health";

export default function Page() {
  return <OverviewPage />;
}
