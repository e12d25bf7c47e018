import type { DescService } from '@bufbuild/protobuf';
import { type Client, Code, ConnectError, createClient, type Interceptor, type Transport } from '@connectrpc/connect';
import { createGrpcWebTransport } from '@connectrpc/connect-web';
import { configuration } from '../configuration';
import { session } from '../session.svelte';
import { retryTransient } from './retry';

export type ServiceName = 'intake' | 'qualification' | 'notification' | 'statistics';

/** How long a call may take, its retries included. */
const DEADLINE = 15_000;

/** Sends the token of the session; once more with a new one where the first has expired. */
const authenticate: Interceptor = (next) => async (request) => {
  const attempt = async () => {
    const token = session.token();
    if (token !== undefined) {
      request.header.set('authorization', `Bearer ${token}`);
    }
    return next(request);
  };
  const isRejected = (error: unknown) => ConnectError.from(error).code === Code.Unauthenticated;
  try {
    return await attempt();
  } catch (error) {
    if (!isRejected(error) || !(await session.renew())) {
      throw error;
    }
  }
  try {
    return await attempt();
  } catch (error) {
    if (isRejected(error)) {
      session.end();
    }
    throw error;
  }
};

export const interceptors: Interceptor[] = [retryTransient, authenticate];

const transports = new Map<ServiceName, Promise<Transport>>();

async function transportTo(service: ServiceName): Promise<Transport> {
  const { [service]: address } = await configuration();
  return createGrpcWebTransport({
    baseUrl: new URL(address, location.href).href.replace(/\/$/, ''),
    defaultTimeoutMs: DEADLINE,
    interceptors,
  });
}

/** The client of a service of the contract. */
export async function clientOf<S extends DescService>(service: S, at: ServiceName): Promise<Client<S>> {
  let transport = transports.get(at);
  if (!transport) {
    transport = transportTo(at);
    transports.set(at, transport);
    transport.catch(() => transports.delete(at));
  }
  return createClient(service, await transport);
}
