import { create } from '@bufbuild/protobuf';
import { DurationSchema } from '@bufbuild/protobuf/wkt';
import { Code, ConnectError, createClient, createRouterTransport } from '@connectrpc/connect';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { BadRequestSchema, ErrorInfoSchema, RetryInfoSchema } from '../generated/google/rpc/error_details_pb';
import { IntakeService } from '../generated/vigie/intake/v1/intake_service_pb';
import { failureOf } from './failure';
import { madeAt, newRequestId } from './request_id';
import { retryTransient } from './retry';
import { describe as describeFailure, words } from './words';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

/** An intake that fails with these errors, one a call, and then takes the report. */
function intake(failures: ConnectError[]) {
  const requestIds: string[] = [];
  const transport = createRouterTransport(
    ({ service }) =>
      service(IntakeService, {
        submitReport({ requestId }) {
          requestIds.push(requestId);
          const failure = failures.shift();
          if (failure) {
            throw failure;
          }
          return { receipt: { reference: 'SIG-2026-7K3M9Q4' } };
        },
      }),
    { transport: { interceptors: [retryTransient] } },
  );
  return { client: createClient(IntakeService, transport), requestIds };
}

async function submit(client: ReturnType<typeof intake>['client']) {
  const answer = client.submitReport({ requestId: 'one' });
  const settled = answer.then((it) => it.receipt?.reference, (error: unknown) => failureOf(error).kind);
  await vi.runAllTimersAsync();
  return settled;
}

test('an unavailable service is called again with the same request_id', async () => {
  const { client, requestIds } = intake([new ConnectError('', Code.Unavailable), new ConnectError('', Code.Unavailable)]);
  expect(await submit(client)).toBe('SIG-2026-7K3M9Q4');
  expect(requestIds).toEqual(['one', 'one', 'one']);
});

test('after three attempts the service is said to be unreachable', async () => {
  const down = () => new ConnectError('', Code.Unavailable);
  const { client, requestIds } = intake([down(), down(), down(), down()]);
  expect(await submit(client)).toBe('unreachable');
  expect(requestIds).toHaveLength(3);
});

test('a service that asks for a long pause is not called again', async () => {
  const retryInfo = { retryDelay: create(DurationSchema, { seconds: 60n }) };
  const busy = new ConnectError('', Code.ResourceExhausted, undefined, [{ desc: RetryInfoSchema, value: retryInfo }]);
  const { client, requestIds } = intake([busy]);
  expect(await submit(client)).toBe('busy');
  expect(requestIds).toHaveLength(1);
});

test('what is refused is not sent again', async () => {
  const { client, requestIds } = intake([new ConnectError('', Code.InvalidArgument)]);
  expect(await submit(client)).toBe('invalid');
  expect(requestIds).toHaveLength(1);
});

test('the details of an error give its reason and its fields', () => {
  const violation = { field: 'draft.description', reason: 'REQUIRED', description: 'Décrivez.' };
  const error = new ConnectError('', Code.InvalidArgument, undefined, [
    { desc: ErrorInfoSchema, value: { reason: 'INVALID', domain: 'vigie' } },
    { desc: BadRequestSchema, value: { fieldViolations: [violation] } },
  ]);
  expect(failureOf(error)).toEqual({ kind: 'invalid', reason: 'INVALID', violations: [violation] });
});

test('a fetch that fails is unreachable, and told so in both languages', () => {
  const failure = failureOf(new TypeError('Failed to fetch'));
  expect(failure.kind).toBe('unreachable');
  expect(describeFailure(failure, 'fr')).toContain('ne répond pas');
  expect(describeFailure(failure, 'en')).toContain('does not answer');
});

test('English has a word for every reason that French has one for', () => {
  expect(Object.keys(words.en.reasons).sort()).toEqual(Object.keys(words.fr.reasons).sort());
});

test('a request id tells when it was made', () => {
  const id = newRequestId(1_800_000_000_123);
  expect(madeAt(id)?.getTime()).toBe(1_800_000_000_123);
  expect(newRequestId()).not.toBe(newRequestId());
  expect(madeAt('not-an-id')).toBeUndefined();
});
