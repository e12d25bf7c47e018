/** Where the issuer and the services are, from the file that is served beside the portal. */
export interface Configuration {
  issuer: string;
  clientId: string;
  intake: string;
  qualification: string;
  notification: string;
  statistics: string;
}

let loading: Promise<Configuration> | undefined;

/** Reads the configuration, once; a failed attempt may be made again. */
export function configuration(): Promise<Configuration> {
  loading ??= load().catch((error: unknown) => {
    loading = undefined;
    throw error;
  });
  return loading;
}

async function load(): Promise<Configuration> {
  const answer = await fetch('/config.json', { signal: AbortSignal.timeout(10_000) });
  if (!answer.ok) {
    throw new TypeError(`config.json: ${answer.status}`);
  }
  return (await answer.json()) as Configuration;
}
