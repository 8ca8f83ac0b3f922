import { BEFORE, type Check, type Found } from '../check.js';

/** Custom resources that may still lie in etcd in a version their definition is leaving. */
export const storedVersions: Check = {
  id: 'stored-versions',
  phases: BEFORE,
  needs: ['crds'],
  codes: [
    {
      code: 'crd_old_version_stored',
      title: 'Custom resources may be stored in an old version',
      meaning:
        "`status.storedVersions` of a CustomResourceDefinition names a version beside the one that is written now. Objects may still lie in etcd in it; an operator's update that drops the version is then refused by the API server, or its conversion webhook is needed for every read. It is information unless that version is deprecated or not served any more.",
      remedy:
        'Write every object once (`kubectl get … -o json | kubectl replace -f -`, or a StorageVersionMigration), then take the old version out of status.storedVersions.',
    },
  ],
  run({ crds }) {
    return crds.flatMap(({ name, stored, versions }): Found[] => {
      const current = versions.find(({ storage }) => storage)?.name;
      const old = stored.filter((version) => version !== current);
      if (old.length === 0) return [];
      const leaving = versions.some((version) => old.includes(version.name) && (version.deprecated || !version.served));
      const message = `objects of ${name} may still be stored as ${old.join(', ')}; they are written as ${current}${leaving ? `, and ${old.join(', ')} is deprecated or no longer served` : ''}`;
      const remedy = 'write every object once, then take the old version out of status.storedVersions';
      return [{ code: 'crd_old_version_stored', object: name, severity: leaving ? 'warn' : 'info', message, remedy }];
    });
  },
};
