import { Code, ConnectError, createClient, createRouterTransport } from '@connectrpc/connect';
import { beforeEach, expect, test, vi } from 'vitest';
import { ErrorInfoSchema } from '../../generated/google/rpc/error_details_pb';
import { DraftService } from '../../generated/vigie/intake/v1/draft_service_pb';
import { FormService } from '../../generated/vigie/intake/v1/form_service_pb';
import { IntakeService } from '../../generated/vigie/intake/v1/intake_service_pb';
import { session } from '../../session.svelte';
import { Declaration } from './declaration.svelte';
import { formForTests } from './form_for_tests';

/** What the service was asked, and the failure of its next answer. */
const intake = { submitted: [] as string[][], saved: [] as string[], failure: undefined as ConnectError | undefined };

const transport = createRouterTransport(({ service }) => {
  const fail = () => {
    if (intake.failure) {
      throw intake.failure;
    }
  };
  service(FormService, { getForm: () => ({ form: formForTests() }) });
  service(DraftService, {
    getDraft({ draftId }) {
      fail();
      return { draft: { draftId, etag: 'etag-9', draft: { description: 'Du service' } } };
    },
    saveDraft({ draftId, etag }) {
      intake.saved.push(etag);
      fail();
      return { draft: { draftId, etag: `etag-${intake.saved.length}` } };
    },
  });
  service(IntakeService, {
    submitReport({ requestId, draftId, draftEtag }) {
      intake.submitted.push([requestId, draftId, draftEtag]);
      fail();
      return { receipt: { reference: 'SIG-2026-7K3M9Q4' } };
    },
  });
});

vi.mock('../../calls/client', () => ({
  clientOf: (service: Parameters<typeof createClient>[0]) => Promise.resolve(createClient(service, transport)),
}));
// The machine of a test has no storage.
const device = vi.hoisted(() => ({ copy: undefined as { values: Record<string, string>; savedAt: Date; etag: string; asked: boolean } | undefined }));
vi.mock('./device_copy', () => ({
  eraseFromDevice: () => Promise.resolve(void (device.copy = undefined)),
  keepOnDevice: () => Promise.reject(new Error()),
  readFromDevice: () => Promise.resolve(device.copy),
}));

const ID = '01a22e63-09e9-70e3-92e2-1687cc6f0b29';

async function begun(): Promise<Declaration> {
  const declaration = new Declaration(ID);
  await declaration.loadForm('fr');
  declaration.change('description', 'Écrans');
  return declaration;
}

beforeEach(() => {
  device.copy = undefined;
  Object.assign(intake, { submitted: [], saved: [], failure: undefined });
  session.person = { name: 'Anne Martin', roles: ['declarant'], structures: [] };
});

test('a double click sends one report, under the id of the declaration', async () => {
  const declaration = await begun();
  const [receipt, nothing] = await Promise.all([declaration.send(), declaration.send()]);
  expect(receipt?.reference).toBe('SIG-2026-7K3M9Q4');
  expect(nothing).toBeUndefined();
  expect(intake.submitted).toEqual([[ID, ID, 'etag-1']]);
  expect(declaration.sent).toEqual({ reference: 'SIG-2026-7K3M9Q4' });
});

test('after a failure it is sent again under the same id', async () => {
  const declaration = await begun();
  intake.failure = new ConnectError('', Code.Unavailable);
  await expect(declaration.send()).rejects.toThrow();
  intake.failure = undefined;
  await declaration.send();
  expect(intake.submitted.map(([requestId]) => requestId)).toEqual([ID, ID]);
});

test('a report that went out with other words from another window is not sent again', async () => {
  const declaration = await begun();
  await declaration.save();
  intake.failure = new ConnectError('', Code.AlreadyExists, undefined, [
    { desc: ErrorInfoSchema, value: { reason: 'REQUEST_ID_REUSED' } },
  ]);
  expect(await declaration.send()).toBeUndefined();
  expect(declaration.sent).toEqual({});
});

test('a draft is saved over what was seen, and anew where it is gone', async () => {
  const declaration = await begun();
  await declaration.save();
  declaration.change('description', 'Écrans rouges');
  await declaration.save();
  expect(intake.saved).toEqual(['', 'etag-1']);
  intake.failure = new ConnectError('', Code.NotFound);
  declaration.change('description', 'Écrans noirs');
  await declaration.save();
  expect(intake.saved).toEqual(['', 'etag-1', 'etag-2', '']);
  expect(declaration.isUnsaved).toBe(true);
});

test('without a log-in nothing leaves the page', async () => {
  session.person = undefined;
  const declaration = await begun();
  await declaration.save();
  expect(intake.saved).toEqual([]);
  expect(declaration.isUnsaved).toBe(true);
});

test('a copy that does not go on from the draft overwrites it only when the person says so', async () => {
  device.copy = { values: { description: 'De cette machine' }, savedAt: new Date(), etag: '', asked: false };
  const declaration = new Declaration(ID);
  await declaration.restore();
  await declaration.loadForm('fr');
  await declaration.save();
  expect(declaration.saveFailure?.kind).toBe('changed');
  expect(intake.saved).toEqual([]);
  expect(device.copy).toBeDefined();

  await declaration.overwrite();
  expect(intake.saved).toEqual(['']);
  expect(device.copy).toBeUndefined();
});

test('what outlived a log-in is found again after the drafts could not be read', async () => {
  device.copy = { values: { description: 'De cette machine' }, savedAt: new Date(), etag: 'etag-9', asked: false };
  const declaration = new Declaration(ID);
  intake.failure = new ConnectError('', Code.Unavailable);
  await expect(declaration.restore()).rejects.toThrow();
  intake.failure = undefined;
  await declaration.restore();
  expect(declaration.values['description']).toBe('De cette machine');
  await declaration.loadForm('fr');
  await declaration.save();
  expect(intake.saved).toEqual(['etag-9']);
});

test('what was typed under an id that was sent can be declared as another incident', async () => {
  const sent = await begun();
  sent.change('structure.finess', '340782085');
  const another = await sent.underAnotherId();
  expect(another.id).not.toBe(ID);
  await another.restore();
  expect(another.values).toEqual(sent.values);
  await another.loadForm('fr');
  await another.send();
  expect(intake.submitted[0]?.[0]).toBe(another.id);
});
