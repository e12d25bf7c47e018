/**
 * A copy of a declaration on this machine, sealed under a key that no script can read
 * out. It is erased once the declaration is sent, or after a day.
 */
import type { Values } from './values';

export interface DeviceCopy {
  id: string;
  values: Values;
  savedAt: Date;
  /** The etag of the draft that it goes on from; empty where there was none. */
  etag: string;
  /** The person asked to keep it; otherwise it only outlives the log-in. */
  asked: boolean;
}

interface SealedCopy {
  id: string;
  key: CryptoKey;
  iv: Uint8Array<ArrayBuffer>;
  sealed: ArrayBuffer;
  savedAt: number;
  etag: string;
  asked: boolean;
}

const STORE = 'declarations';
const LIFETIME = 24 * 3_600_000;

export async function keepOnDevice(id: string, values: Values, etag: string, asked: boolean): Promise<Date> {
  const key = await crypto.subtle.generateKey({ name: 'AES-GCM', length: 256 }, false, ['encrypt', 'decrypt']);
  const iv = crypto.getRandomValues(new Uint8Array(12));
  const text = new TextEncoder().encode(JSON.stringify(values));
  const sealed = await crypto.subtle.encrypt({ name: 'AES-GCM', iv }, key, text);
  const savedAt = Date.now();
  const copy: SealedCopy = { id, key, iv, sealed, savedAt, etag, asked };
  await inStore('readwrite', (store) => store.put(copy));
  return new Date(savedAt);
}

export async function readFromDevice(id: string): Promise<DeviceCopy | undefined> {
  return (await copiesOnDevice()).find((copy) => copy.id === id);
}

/** Every copy that is not too old, latest first; the others are erased. */
export async function copiesOnDevice(): Promise<DeviceCopy[]> {
  const found: SealedCopy[] = await inStore('readonly', (store) => store.getAll());
  const copies: DeviceCopy[] = [];
  for (const { id, key, iv, sealed, savedAt, etag, asked } of found) {
    try {
      if (savedAt + LIFETIME < Date.now()) {
        throw new RangeError('too old');
      }
      const text = await crypto.subtle.decrypt({ name: 'AES-GCM', iv }, key, sealed);
      const values = JSON.parse(new TextDecoder().decode(text)) as Values;
      copies.push({ id, values, savedAt: new Date(savedAt), etag, asked });
    } catch {
      await eraseFromDevice(id);
    }
  }
  return copies.sort((one, other) => other.savedAt.getTime() - one.savedAt.getTime());
}

export async function eraseFromDevice(id: string): Promise<void> {
  await inStore('readwrite', (store) => store.delete(id));
}

function inStore<T>(mode: IDBTransactionMode, act: (store: IDBObjectStore) => IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const opening = indexedDB.open('vigie', 1);
    opening.onupgradeneeded = () => opening.result.createObjectStore(STORE, { keyPath: 'id' });
    opening.onerror = () => reject(opening.error ?? new Error('no database on this device'));
    opening.onblocked = () => reject(new Error('another window holds the database on this device'));
    opening.onsuccess = () => {
      const database = opening.result;
      const transaction = database.transaction(STORE, mode);
      let request: IDBRequest<T>;
      try {
        request = act(transaction.objectStore(STORE));
      } catch (error) {
        // Some browsers store no key in a private window.
        database.close();
        reject(error instanceof Error ? error : new Error('the database on this device refused'));
        return;
      }
      transaction.oncomplete = () => {
        database.close();
        resolve(request.result);
      };
      transaction.onabort = () => {
        database.close();
        reject(transaction.error ?? new Error('the database on this device refused'));
      };
    };
  });
}
