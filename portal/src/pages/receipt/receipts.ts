import type { Receipt } from '../../generated/vigie/intake/v1/report_pb';

const receipts = new Map<string, Receipt>();

/** Keeps a receipt as the service gave it, for the page that shows it next. */
export function keepReceipt(receipt: Receipt): void {
  receipts.set(receipt.reference, receipt);
}

export function keptReceipt(reference: string): Receipt | undefined {
  return receipts.get(reference);
}
