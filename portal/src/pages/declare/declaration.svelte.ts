import { failureOf, type Failure } from '../../calls/failure';
import { clientOf } from '../../calls/client';
import { readForm } from '../../calls/forms';
import { newRequestId } from '../../calls/request_id';
import { DraftService } from '../../generated/vigie/intake/v1/draft_service_pb';
import type { Form } from '../../generated/vigie/intake/v1/form_service_pb';
import { type CheckReportResponse, IntakeService } from '../../generated/vigie/intake/v1/intake_service_pb';
import type { Receipt } from '../../generated/vigie/intake/v1/report_pb';
import { type Structure, StructureService } from '../../generated/vigie/intake/v1/structure_service_pb';
import { ReportKind } from '../../generated/vigie/types/v1/vocabulary_pb';
import type { Language } from '../../language';
import { session } from '../../session.svelte';
import { eraseFromDevice, keepOnDevice, readFromDevice } from './device_copy';
import type { Problem } from './rules';
import { hasAnything } from './steps';
import { fromDraft, textOf, toDraft, type Values } from './values';

const AUTOSAVE_DELAY = 4_000;
/** After how long a draft that could not be saved is tried again. */
const AUTOSAVE_RETRY = 15_000;
/** Leaving a step does not wait longer for the service to look at it. */
const STEP_CHECK_DEADLINE = 4_000;

export interface Saved {
  place: 'service' | 'device';
  at: Date;
}

/**
 * A declaration while it is filled in. Its id, which stands in the address, names the
 * draft and is the request_id of its sending: two tabs or two clicks make one report.
 */
export class Declaration {
  readonly id: string;
  values: Values = $state({});
  form: Form | undefined = $state.raw();
  saved: Saved | undefined = $state.raw();
  saveFailure: Failure | undefined = $state.raw();
  asksForDeviceCopy = $state(false);
  /** The structure of the directory that is chosen, to be shown by its name. */
  structure: Structure | undefined = $state.raw();
  /** Sent, from here or from another tab: its reference, where it is known. */
  sent: { reference?: string } | undefined = $state.raw();
  sending = $state(false);

  #etag = '';
  #language: Language = 'fr';
  /** Counts the changes, and which of them was kept last. */
  #revision = 0;
  #kept = 0;
  #restoring: Promise<void> | undefined;
  /** Whether a copy that nobody asked for still rests on this machine. */
  #outlived = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #saving: Promise<void> = Promise.resolve();
  #channel: BroadcastChannel;

  constructor(id: string) {
    this.id = id;
    this.#channel = new BroadcastChannel(`vigie-declaration-${id}`);
    this.#channel.onmessage = ({ data }: MessageEvent<{ reference: string }>) => this.#end(data.reference);
  }

  get isUnsaved(): boolean {
    return this.#kept !== this.#revision && hasAnything(this.values) && !this.sent;
  }

  get kind(): ReportKind {
    const name = textOf(this.values, 'kind').replace('REPORT_KIND_', '');
    return ReportKind[name as keyof typeof ReportKind] ?? ReportKind.INCIDENT;
  }

  async loadForm(language: Language): Promise<void> {
    this.#language = language;
    this.form = await readForm(this.kind, language);
    this.values['kind'] ??= `REPORT_KIND_${ReportKind[this.form.kind]}`;
  }

  /**
   * Finds what was typed before: on this machine, else among the drafts of the person. What could
   * not be read is asked for again the next time, and overwritten by nothing until then.
   */
  restore(): Promise<void> {
    this.#restoring ??= this.#restore().catch((error: unknown) => {
      this.#restoring = undefined;
      throw error;
    });
    return this.#restoring;
  }

  async #restore(): Promise<void> {
    const copy = await readFromDevice(this.id).catch(() => undefined);
    if (copy) {
      this.values = copy.values;
      this.asksForDeviceCopy = copy.asked;
      this.#revision += 1;
      this.#outlived = !copy.asked;
      if (copy.asked) {
        this.saved = { place: 'device', at: copy.savedAt };
      }
    }
    if (!session.person) {
      this.#etag = copy?.etag ?? '';
      return;
    }
    try {
      const { draft } = await (await clientOf(DraftService, 'intake')).getDraft({ draftId: this.id });
      this.#etag = draft?.etag ?? '';
      if (draft?.draft && !copy) {
        this.values = fromDraft(draft.draft);
      } else if (draft && copy?.etag !== draft.etag) {
        // The copy does not go on from this draft: the person says which is to be kept.
        this.saveFailure = { kind: 'changed', reason: 'ETAG_MISMATCH', violations: [] };
      }
    } catch (error) {
      if (failureOf(error).kind !== 'missing') {
        throw error;
      }
    }
  }

  /** Fills in what is likely; only what the person does makes it worth keeping. */
  suggest(path: string, value: string): void {
    this.values[path] = value;
  }

  change(path: string, value: string | string[]): void {
    this.values[path] = value;
    this.#revision += 1;
    if (path === 'kind') {
      // Each kind of report has its own form; without an answer the last one stays.
      this.loadForm(this.#language).catch(() => undefined);
    }
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.save(), AUTOSAVE_DELAY);
  }

  /** Saves what is typed so far wherever the person lets it be kept. */
  save(): Promise<void> {
    clearTimeout(this.#timer);
    this.#saving = this.#saving.then(() => this.#save());
    return this.#saving;
  }

  async #save(): Promise<void> {
    if (!this.isUnsaved || !this.form) {
      return;
    }
    const values = $state.snapshot(this.values);
    const revision = this.#revision;
    if (this.asksForDeviceCopy) {
      try {
        this.saved = { place: 'device', at: await keepOnDevice(this.id, values, this.#etag, true) };
        // Whoever is logged in also has it kept by the service.
        this.#kept = session.person ? this.#kept : revision;
      } catch {
        // Some browsers have no storage; the line that tells what is saved then stays away.
      }
    }
    if (!session.person || this.saveFailure?.kind === 'changed') {
      return;
    }
    try {
      const draft = toDraft(values, this.form);
      const request = { requestId: newRequestId(), draftId: this.id, draft, etag: this.#etag };
      const answer = await (await clientOf(DraftService, 'intake')).saveDraft(request);
      this.#etag = answer.draft?.etag ?? '';
      this.saved = { place: 'service', at: new Date() };
      this.saveFailure = undefined;
      this.#kept = revision;
      if (this.#outlived && !this.asksForDeviceCopy) {
        // Kept for the time of a log-in alone; by now the service has it.
        this.#outlived = false;
        await eraseFromDevice(this.id).catch(() => undefined);
      }
    } catch (error) {
      this.saveFailure = failureOf(error);
      if (this.saveFailure.kind === 'missing' && this.#etag !== '') {
        // Another window sent the draft or erased it; what this one shows is kept all the same.
        this.#etag = '';
        await this.#save();
      } else if (this.saveFailure.kind === 'unreachable' || this.saveFailure.kind === 'busy') {
        this.#timer = setTimeout(() => void this.save(), AUTOSAVE_RETRY);
      }
    }
  }

  /** Whoever was told that another window changed the draft keeps what this one shows. */
  async overwrite(): Promise<void> {
    this.#etag = '';
    this.saveFailure = undefined;
    this.#revision += 1;
    await this.save();
  }

  async askForDeviceCopy(asked: boolean): Promise<void> {
    this.asksForDeviceCopy = asked;
    if (asked) {
      this.#revision += 1;
      await this.save();
    } else {
      await eraseFromDevice(this.id).catch(() => undefined);
      this.saved = this.saved?.place === 'device' ? undefined : this.saved;
    }
  }

  /** Keeps what is typed while the page is away at the log-in. */
  async outliveLogin(): Promise<void> {
    if (hasAnything(this.values) && !this.sent) {
      const revision = this.#revision;
      await keepOnDevice(this.id, $state.snapshot(this.values), this.#etag, this.asksForDeviceCopy);
      this.#kept = revision;
    }
  }

  /** Reads the chosen structure from the directory, which only who is logged in may. */
  async findStructure(): Promise<void> {
    const finess = textOf(this.values, 'structure.finess');
    if (finess === '' || finess === this.structure?.finess) {
      return;
    }
    this.structure = session.person && (await readStructure(finess));
  }

  async check(isStep: boolean): Promise<CheckReportResponse> {
    const draft = this.#draft();
    const client = await clientOf(IntakeService, 'intake');
    return client.checkReport({ draft }, isStep ? { timeoutMs: STEP_CHECK_DEADLINE } : {});
  }

  async send(): Promise<Receipt | undefined> {
    if (this.sending) {
      return undefined;
    }
    this.sending = true;
    try {
      await this.save();
      const client = await clientOf(IntakeService, 'intake');
      const { receipt } = await client.submitReport({
        requestId: this.id,
        draft: this.#draft(),
        draftId: this.id,
        draftEtag: this.#etag,
      });
      this.#channel.postMessage({ reference: receipt?.reference });
      this.#end(receipt?.reference);
      await eraseFromDevice(this.id).catch(() => undefined);
      return receipt;
    } catch (error) {
      if (failureOf(error).reason === 'REQUEST_ID_REUSED') {
        // It went out from another window, with other words.
        this.#end();
        return undefined;
      }
      throw error;
    } finally {
      this.sending = false;
    }
  }

  /** The same answers as a declaration of their own; the next page shows it. */
  async underAnotherId(): Promise<Declaration> {
    const next = new Declaration(newRequestId());
    next.values = $state.snapshot(this.values);
    next.#revision = 1;
    next.#restoring = Promise.resolve();
    current = next;
    await eraseFromDevice(this.id).catch(() => undefined);
    return next;
  }

  #draft() {
    if (!this.form) {
      throw new TypeError('the form is not there yet');
    }
    return toDraft($state.snapshot(this.values), this.form);
  }

  #end(reference?: string): void {
    clearTimeout(this.#timer);
    this.sent = reference === undefined ? {} : { reference };
  }
}

/** The remarks of the service, by the paths of the form. */
export function remarksOf(violations: CheckReportResponse['violations']): Problem[] {
  return violations.map(({ field, reason, description }) => ({
    path: field.replace(/^draft\./, '').replace(/\[\d+\]$/, ''),
    reason,
    description,
  }));
}

/** A structure of the directory; undefined where it is not there or does not answer. */
export async function readStructure(finess: string): Promise<Structure | undefined> {
  try {
    return (await (await clientOf(StructureService, 'intake')).getStructure({ finess })).structure;
  } catch {
    return undefined;
  }
}

let current: Declaration | undefined;

/** The declaration of an id: the one in memory, however often its page is left. */
export function declarationOf(id: string): Declaration {
  if (current?.id !== id) {
    current = new Declaration(id);
  }
  return current;
}

/** The declaration that was begun in this window and not sent. */
export function begunDeclaration(): Declaration | undefined {
  return current && !current.sent ? current : undefined;
}
