import { describe, expect, it } from '@jest/globals';
import { MetricsReading } from './read-metrics.js';

/** Lines as an API server 1.34.4 sends them. */
const RECORDED = `
# HELP apiserver_client_certificate_expiration_seconds [ALPHA] Distribution of the remaining lifetime
apiserver_client_certificate_expiration_seconds_bucket{le="0"} 0
apiserver_client_certificate_expiration_seconds_bucket{le="345600"} 3
apiserver_client_certificate_expiration_seconds_bucket{le="604800"} 12
apiserver_client_certificate_expiration_seconds_bucket{le="2.592e+06"} 40
apiserver_request_total{code="200",component="apiserver",dry_run="",group="",resource="endpoints",scope="cluster",subresource="",verb="LIST",version="v1"} 4
apiserver_request_total{code="200",component="apiserver",dry_run="",group="",resource="endpoints",scope="resource",subresource="",verb="GET",version="v1"} 3
apiserver_request_total{code="200",component="apiserver",dry_run="",group="",resource="pods",scope="cluster",subresource="",verb="LIST",version="v1"} 900
apiserver_requested_deprecated_apis{group="",removed_release="",resource="endpoints",subresource="",version="v1"} 1
apiserver_requested_deprecated_apis{group="flowcontrol.apiserver.k8s.io",removed_release="1.32",resource="flowschemas",subresource="status",version="v1beta3"} 1
apiserver_requested_deprecated_apis{group="batch",removed_release="1.25",resource="cronjobs",subresource="",version="v1beta1"} 0
apiserver_storage_size_bytes{storage_cluster_id="etcd-0"} 1.2582912e+07
process_start_time_seconds 1.79e+09
`;

describe("an API server's metrics", () => {
  it('recorded lines → what is deprecated and still asked for, how often, since when; size and short certificates', () => {
    const reading = new MetricsReading('a:6443');
    RECORDED.split('\n').forEach((line) => reading.take(line));
    const at = (requests: number) => [{ server: 'a:6443', since: 1_790_000_000_000, requests }];
    expect(reading.end()).toEqual({
      since: 1_790_000_000_000,
      etcdBytes: 12_582_912,
      shortClientCertificates: 12,
      deprecated: [
        { group: '', version: 'v1', resource: 'endpoints', subresource: '', removedIn: '', requests: 7, at: at(7) },
        {
          group: 'flowcontrol.apiserver.k8s.io',
          version: 'v1beta3',
          resource: 'flowschemas',
          subresource: 'status',
          removedIn: '1.32',
          requests: 0,
          at: at(0),
        },
      ],
    });
  });
});
