import { Code, ConnectError } from '@connectrpc/connect';
import { BadRequestSchema, ErrorInfoSchema, RetryInfoSchema } from '../generated/google/rpc/error_details_pb';

/** What a failed call means to the person. */
export type FailureKind =
  | 'unreachable'
  | 'busy'
  | 'session'
  | 'forbidden'
  | 'missing'
  | 'changed'
  | 'invalid'
  | 'refused'
  | 'broken';

export interface FieldViolation {
  field: string;
  reason: string;
  description: string;
}

export interface Failure {
  kind: FailureKind;
  /** As google.rpc.ErrorInfo names it, "ETAG_MISMATCH", or empty. */
  reason: string;
  violations: FieldViolation[];
}

/** Reads what the services say of an error. */
export function failureOf(error: unknown): Failure {
  const problem = ConnectError.from(error);
  const [info] = problem.findDetails(ErrorInfoSchema);
  const violations = problem.findDetails(BadRequestSchema).flatMap((it) => it.fieldViolations);
  return {
    kind: isNetworkFailure(error) ? 'unreachable' : kindOf(problem.code),
    reason: info?.reason ?? '',
    violations: violations.map(({ field, reason, description }) => ({ field, reason, description })),
  };
}

/** Whether the same request may succeed when it is sent again. */
export function isTransient(error: unknown): boolean {
  const { code } = ConnectError.from(error);
  return isNetworkFailure(error) || code === Code.Unavailable || code === Code.ResourceExhausted;
}

/** After how many milliseconds the service asks to be called again. */
export function retryDelay(error: unknown): number | undefined {
  const [info] = ConnectError.from(error).findDetails(RetryInfoSchema);
  const delay = info?.retryDelay;
  return delay && Number(delay.seconds) * 1000 + delay.nanos / 1_000_000;
}

/** A call that never reached a service: the browser says so by a TypeError of its own. */
function isNetworkFailure(error: unknown): boolean {
  return error instanceof TypeError || (error instanceof ConnectError && error.cause instanceof TypeError);
}

function kindOf(code: Code): FailureKind {
  switch (code) {
    case Code.Unavailable:
    case Code.DeadlineExceeded:
      return 'unreachable';
    case Code.ResourceExhausted:
      return 'busy';
    case Code.Unauthenticated:
      return 'session';
    case Code.PermissionDenied:
      return 'forbidden';
    case Code.NotFound:
      return 'missing';
    case Code.Aborted:
      return 'changed';
    case Code.InvalidArgument:
      return 'invalid';
    case Code.AlreadyExists:
    case Code.FailedPrecondition:
    case Code.OutOfRange:
      return 'refused';
    default:
      return 'broken';
  }
}
