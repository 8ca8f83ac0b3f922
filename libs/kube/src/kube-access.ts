import {
  AppsV1Api,
  BatchV1Api,
  CoordinationV1Api,
  CoreV1Api,
  PatchStrategy,
  PolicyV1Api,
  VersionApi,
  createConfiguration,
  setHeaderOptions,
  ServerConfiguration,
  type Configuration,
  type KubeConfig,
  type RequestContext,
  type ResponseContext,
} from '@kubernetes/client-node';
import { PooledKubeConfig } from './pooled-kube-config.js';

/** Bound of one API request. Longer waits are watches, never hanging requests. */
export const REQUEST_TIMEOUT_MS = 10_000;

/** The typed calls the agent makes, all with one credential and one request bound. */
export interface KubeAccess {
  readonly config: KubeConfig;
  readonly core: CoreV1Api;
  readonly apps: AppsV1Api;
  readonly batch: BatchV1Api;
  readonly coordination: CoordinationV1Api;
  readonly policy: PolicyV1Api;
  readonly version: VersionApi;
  /** For merge patches: the client's default is a JSON patch. */
  readonly mergePatch: ReturnType<typeof setHeaderOptions>;
}

/** Without any configuration the client falls back to a server on this machine that nobody meant. */
const FALLBACK = 'http://localhost:8080';

function whyNone(config: KubeConfig, context: string | undefined): string {
  if (!context && config.getCurrentCluster()?.server === FALLBACK) {
    return 'no kubeconfig was found (--kubeconfig, $KUBECONFIG, ~/.kube/config), and this is not a pod';
  }
  const known = config.getContexts().map(({ name }) => name);
  const wanted = context ?? config.getCurrentContext();
  return `context "${wanted}" is not in the kubeconfig (known: ${known.join(', ') || 'none'}), and this is not a pod`;
}

/** `kubeconfig`: a file and context; left out, the service account of the pod we run in. Throws with a clear line. */
export function openKube(from: { readonly kubeconfig?: string; readonly context?: string }): KubeAccess {
  const config = new PooledKubeConfig();
  if (from.kubeconfig) config.loadFromFile(from.kubeconfig);
  else if (process.env.KUBERNETES_SERVICE_HOST) config.loadFromCluster();
  else config.loadFromDefault();
  if (from.context) config.setCurrentContext(from.context);
  const server = config.getCurrentCluster()?.server;
  if (!server || server === FALLBACK) throw new Error(`no cluster to talk to: ${whyNone(config, from.context)}`);
  return openKubeAt(config);
}

/** The calls on the current context of a configuration. */
export function openKubeAt(config: KubeConfig): KubeAccess {
  const settings = boundedConfiguration(config, config.getCurrentCluster()?.server ?? '');
  return {
    config,
    core: new CoreV1Api(settings),
    apps: new AppsV1Api(settings),
    batch: new BatchV1Api(settings),
    coordination: new CoordinationV1Api(settings),
    policy: new PolicyV1Api(settings),
    version: new VersionApi(settings),
    mergePatch: setHeaderOptions('Content-Type', PatchStrategy.MergePatch),
  };
}

/** The client sets no time limit of its own: an API server that accepts and never answers would hold the agent for good. */
function boundedConfiguration(config: KubeConfig, server: string): Configuration {
  return createConfiguration({
    baseServer: new ServerConfiguration(server, {}),
    authMethods: { default: config },
    promiseMiddleware: [
      {
        pre: (request: RequestContext) => {
          request.setSignal(AbortSignal.timeout(REQUEST_TIMEOUT_MS));
          return Promise.resolve(request);
        },
        post: (response: ResponseContext) => Promise.resolve(response),
      },
    ],
  });
}
