import type { Interceptor } from '@connectrpc/connect';
import { isTransient, retryDelay } from './failure';

const ATTEMPTS = 3;
const FIRST_DELAY = 400;
const LONGEST_DELAY = 5_000;

/**
 * Sends a call again that may succeed then. Every request that changes something
 * carries its request_id, so that the services take it once however often it comes.
 */
export const retryTransient: Interceptor = (next) => async (request) => {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await next(request);
    } catch (error) {
      const asked = retryDelay(error) ?? FIRST_DELAY * 2 ** (attempt - 1);
      if (request.stream || attempt === ATTEMPTS || !isTransient(error) || asked > LONGEST_DELAY) {
        throw error;
      }
      await pause(asked * (1 + Math.random() / 4), request.signal);
    }
  }
};

function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = () => {
      clearTimeout(timer);
      reject(signal.reason as Error);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', abort);
      resolve();
    }, milliseconds);
    signal.addEventListener('abort', abort, { once: true });
  });
}
