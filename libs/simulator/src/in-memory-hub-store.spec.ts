// eslint-disable-next-line wavegate/room-fence -- the contract suite is test code of runtime, which no door ships
import { describeHubStore } from '../../runtime/src/hub/testing/hub-store-contract.js';
import { InMemoryHubStore } from './in-memory-hub-store.js';

describeHubStore('InMemoryHubStore', async () => {
  let time = 1_800_000_000_000;
  const store = new InMemoryHubStore({ now: () => time });
  return {
    store,
    enrol: async (id, approved = true) =>
      store.enrol({ id, name: `name-${id}`, uid: `uid-${id}`, approved, certificateSerial: `cert-${id}` }),
    revokeCertificate: async (serial) => store.revokeCertificate(serial),
    removeCluster: async (id) => store.removeCluster(id),
    audit: async () => ({ rows: store.auditRows(), head: store.auditHead() }),
    pass: async (ms) => {
      time += ms;
    },
    close: async () => undefined,
  };
});
