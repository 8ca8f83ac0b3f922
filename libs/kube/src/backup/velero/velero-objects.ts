import type { RawMetadata } from './raw-api.js';

/** Group and version of Velero's objects; the fields below are those we read (Velero 1.12 to 1.18). */
export const VELERO_API = '/apis/velero.io/v1';

export type VeleroPlural = 'backups' | 'restores' | 'schedules' | 'backupstoragelocations' | 'downloadrequests';

export function veleroPath(namespace: string, plural: VeleroPlural, name?: string): string {
  return `${VELERO_API}/namespaces/${namespace}/${plural}${name ? `/${name}` : ''}`;
}

/** As the API takes it; the selector of a person's text is turned into this. */
export interface LabelSelector {
  readonly matchLabels?: Readonly<Record<string, string>>;
  readonly matchExpressions?: readonly {
    readonly key: string;
    readonly operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist';
    readonly values?: readonly string[];
  }[];
}

/** What a backup takes. Absent or empty lists, and `*`, mean everything. Go durations ("720h0m0s"). */
export interface BackupSpec {
  readonly includedNamespaces?: readonly string[];
  readonly excludedNamespaces?: readonly string[];
  readonly includedResources?: readonly string[];
  readonly excludedResources?: readonly string[];
  readonly includedNamespaceScopedResources?: readonly string[];
  readonly excludedNamespaceScopedResources?: readonly string[];
  readonly labelSelector?: LabelSelector;
  readonly orLabelSelectors?: readonly LabelSelector[];
  readonly storageLocation?: string;
  readonly ttl?: string;
}

/** What a Backup and a Restore tell alike. */
export interface RunStatus {
  readonly phase?: string;
  readonly validationErrors?: readonly string[];
  readonly failureReason?: string;
  readonly errors?: number;
  readonly warnings?: number;
  readonly startTimestamp?: string;
  readonly completionTimestamp?: string;
  readonly expiration?: string;
  readonly queuePosition?: number;
  readonly progress?: {
    readonly totalItems?: number;
    readonly itemsBackedUp?: number;
    readonly itemsRestored?: number;
  };
}

/** A status with everything that Velero has not written yet filled in. */
export interface RunState {
  readonly phase: string;
  readonly validationErrors: readonly string[];
  readonly failureReason: string;
  readonly errors: number;
  readonly warnings: number;
  /** ISO; '' until then. */
  readonly startTimestamp: string;
  readonly completionTimestamp: string;
  readonly expiration: string;
  /** 0: not in a queue. */
  readonly queuePosition: number;
  readonly totalItems: number;
  /** Backed up or restored. */
  readonly doneItems: number;
}

const NOT_YET: Omit<RunState, 'totalItems' | 'doneItems'> = {
  ...{ phase: 'New', validationErrors: [], failureReason: '', errors: 0, warnings: 0 },
  ...{ startTimestamp: '', completionTimestamp: '', expiration: '', queuePosition: 0 },
};
const NO_ITEMS = { totalItems: 0, itemsBackedUp: 0, itemsRestored: 0 };

export function runState({ status }: { readonly status?: RunStatus }): RunState {
  const { progress, ...told } = { ...status };
  const { totalItems, itemsBackedUp, itemsRestored } = { ...NO_ITEMS, ...progress };
  return { ...NOT_YET, ...told, totalItems, doneItems: itemsBackedUp + itemsRestored };
}

export interface VeleroBackup {
  readonly metadata: RawMetadata;
  readonly spec: BackupSpec;
  readonly status?: RunStatus;
}

export interface RestoreSpec {
  readonly backupName: string;
  readonly includedNamespaces?: readonly string[];
  readonly includedResources?: readonly string[];
  readonly namespaceMapping?: Readonly<Record<string, string>>;
  readonly includeClusterResources?: boolean;
  readonly restorePVs?: boolean;
  readonly resourceModifier?: { readonly kind: 'ConfigMap'; readonly name: string };
}

export interface VeleroRestore {
  readonly metadata: RawMetadata;
  readonly spec: RestoreSpec;
  readonly status?: RunStatus;
}

export interface StorageLocation {
  readonly metadata: RawMetadata;
  readonly spec: {
    readonly provider?: string;
    readonly default?: boolean;
    readonly accessMode?: 'ReadWrite' | 'ReadOnly';
    readonly validationFrequency?: string;
    readonly objectStorage?: { readonly bucket?: string; readonly prefix?: string };
  };
  readonly status?: { readonly phase?: string; readonly message?: string; readonly lastValidationTime?: string };
}

export interface VeleroSchedule {
  readonly metadata: RawMetadata;
  readonly spec: { readonly schedule: string; readonly paused?: boolean; readonly template: BackupSpec };
  readonly status?: {
    readonly phase?: string;
    readonly lastBackup?: string;
    readonly validationErrors?: readonly string[];
  };
}

/** Labels that Velero and we put on objects. */
export const LABELS = {
  /** On backups that a Schedule made. */
  schedule: 'velero.io/schedule-name',
  /** A person keeps the object out of every backup. */
  excluded: 'velero.io/exclude-from-backup',
  /** Ours: the order that made the object. */
  order: 'wavegate.dev/order',
  /** Ours: everything that a proof makes, and that it may therefore remove. The value names the proof. */
  proof: 'wavegate.dev/velero-proof',
} as const;

/** Ours, on a Restore: which of its target namespaces were there before it, by comma. Stamps of whole seconds cannot tell. */
export const THERE_BEFORE = 'wavegate.dev/namespaces-there-before';
