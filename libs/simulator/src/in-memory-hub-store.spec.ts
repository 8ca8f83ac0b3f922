// eslint-disable-next-line wavegate/room-fence -- the contract suite is test code of runtime, which no door ships
import { describeHubStore } from '../../runtime/src/hub/testing/hub-store-contract.js';
// eslint-disable-next-line wavegate/room-fence -- as above
import { describeRequestStore } from '../../runtime/src/hub/testing/request-store-contract.js';
import { InMemoryHubStore } from './in-memory-hub-store.js';

const open = async () => {
  let time = 1_800_000_000_000;
  const store = new InMemoryHubStore({ now: () => time });
  return {
    store,
    enrol: async (id: string, approved = true) =>
      store.enrol({
        ...{ id, name: `name-${id}`, uid: `uid-${id}`, labels: { of: id } },
        ...{ approved, certificateSerial: `cert-${id}` },
      }),
    revokeCertificate: async (serial: string) => store.revokeCertificate(serial),
    removeCluster: async (id: string) => store.removeCluster(id),
    audit: async () => ({ rows: store.auditRows(), head: store.auditHead() }),
    pass: async (ms: number) => {
      time += ms;
    },
    close: async () => undefined,
  };
};

describeHubStore('InMemoryHubStore', open);
describeRequestStore('InMemoryHubStore', open);
