import { timestampMs } from '@bufbuild/protobuf/wkt';
import { type Report, ReportState } from '../generated/vigie/intake/v1/report_pb';
import { IntakeService } from '../generated/vigie/intake/v1/intake_service_pb';
import type { Case } from '../generated/vigie/qualification/v1/case_pb';
import { QualificationService } from '../generated/vigie/qualification/v1/qualification_service_pb';
import { CaseState } from '../generated/vigie/types/v1/vocabulary_pb';
import { clientOf } from './client';

/** A report with the case that it opened, which comes a moment later. */
export interface FollowedReport {
  report: Report;
  case: Case | undefined;
}

/** The latest reports that the person may see, each with its case where the cell answers. */
export async function listFollowed(pageToken: string): Promise<{ followed: FollowedReport[]; nextPageToken: string }> {
  const intake = await clientOf(IntakeService, 'intake');
  const { reports, nextPageToken } = await intake.listReports({ pageSize: 50, pageToken });
  const last = reports.at(-1)?.declaredAt;
  const cases = await clientOf(QualificationService, 'qualification')
    .then((client) => client.listCases({ pageSize: 200, ...(last && { declaredAfter: last }) }))
    .then((answer) => answer.cases)
    .catch(() => []);
  const followed = reports.map((report) => ({
    report,
    case: cases.find((it) => it.reportId === report.reportId),
  }));
  return { followed, nextPageToken };
}

export async function readFollowed(reference: string): Promise<FollowedReport> {
  const intake = await clientOf(IntakeService, 'intake');
  const { report } = await intake.getReport({ reportId: reference });
  if (!report) {
    throw new TypeError('the service sent no report');
  }
  const found = await clientOf(QualificationService, 'qualification')
    .then((client) => client.getCase({ caseId: reference }))
    .catch(() => undefined);
  return { report, case: found?.case };
}

/** Where a report stands, by the newer of the two that know it. */
export function stateOf({ report, case: found }: FollowedReport): CaseState {
  if (report.state === ReportState.WITHDRAWN) {
    return CaseState.WITHDRAWN;
  }
  return found?.state || report.caseState || CaseState.SUBMITTED;
}

export function isOver(state: CaseState): boolean {
  const over = [CaseState.CLOSED, CaseState.OUT_OF_SCOPE, CaseState.DUPLICATE, CaseState.WITHDRAWN];
  return over.includes(state);
}

/** Since when it stands there: the last entry of the history that led to the state. */
export function sinceWhen(followed: FollowedReport): Date | undefined {
  const { history = [], changedAt, openedAt } = followed.case ?? {};
  const state = stateOf(followed);
  const first = history.findLastIndex((entry) => entry.state !== state) + 1;
  const at = history[first]?.at ?? (history.length === 0 ? undefined : changedAt) ?? openedAt ?? followed.report.declaredAt;
  return at && new Date(timestampMs(at));
}
