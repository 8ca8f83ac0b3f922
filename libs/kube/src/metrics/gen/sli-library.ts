// Generated from ../slis/*.yaml and ../gauges.yaml by `make gen`; edit those.
import type { GaugeDefinition, SliDefinition } from '../sli-definition.js';

export const SLI_LIBRARY: readonly SliDefinition[] = [
  {
    "name": "apiserver-availability",
    "about": "requests that the API server did not answer with 5xx",
    "from": "kube-apiserver /metrics",
    "objective": 0.999,
    "params": [
      {
        "name": "job",
        "default": [
          "apiserver",
          "kube-apiserver",
          "kubernetes-apiservers",
          "kubernetes-apiserver"
        ],
        "about": ""
      }
    ],
    "versions": [
      {
        "kubernetes": ">=1.17",
        "component": null,
        "bad": "sum(increase(apiserver_request_total{job=~\"$job\",code=~\"5..\"}[$period]))",
        "good": null,
        "total": "sum(increase(apiserver_request_total{job=~\"$job\"}[$period]))"
      }
    ]
  },
  {
    "name": "apiserver-throttling",
    "about": "requests that the API server did not turn away with 429",
    "from": "kube-apiserver /metrics",
    "objective": 0.99,
    "params": [
      {
        "name": "job",
        "default": [
          "apiserver",
          "kube-apiserver",
          "kubernetes-apiservers",
          "kubernetes-apiserver"
        ],
        "about": ""
      }
    ],
    "versions": [
      {
        "kubernetes": ">=1.17",
        "component": null,
        "bad": "sum(increase(apiserver_request_total{job=~\"$job\",code=\"429\"}[$period]))",
        "good": null,
        "total": "sum(increase(apiserver_request_total{job=~\"$job\"}[$period]))"
      }
    ]
  },
  {
    "name": "apiserver-write-latency",
    "about": "writes that were answered within a second",
    "from": "kube-apiserver /metrics",
    "objective": 0.99,
    "params": [
      {
        "name": "job",
        "default": [
          "apiserver",
          "kube-apiserver",
          "kubernetes-apiservers",
          "kubernetes-apiserver"
        ],
        "about": ""
      },
      {
        "name": "threshold",
        "default": 1,
        "about": "seconds; the bound of a bucket"
      }
    ],
    "versions": [
      {
        "kubernetes": ">=1.26",
        "component": null,
        "bad": null,
        "good": "sum(increase(apiserver_request_sli_duration_seconds_bucket{job=~\"$job\",verb=~\"POST|PUT|PATCH|DELETE\",subresource!~\"proxy|attach|log|exec|portforward\",le=~\"$threshold(\\\\.0)?\"}[$period]))",
        "total": "sum(increase(apiserver_request_sli_duration_seconds_count{job=~\"$job\",verb=~\"POST|PUT|PATCH|DELETE\",subresource!~\"proxy|attach|log|exec|portforward\"}[$period]))"
      },
      {
        "kubernetes": ">=1.23 <1.27",
        "component": null,
        "bad": null,
        "good": "sum(increase(apiserver_request_slo_duration_seconds_bucket{job=~\"$job\",verb=~\"POST|PUT|PATCH|DELETE\",subresource!~\"proxy|attach|log|exec|portforward\",le=~\"$threshold(\\\\.0)?\"}[$period]))",
        "total": "sum(increase(apiserver_request_slo_duration_seconds_count{job=~\"$job\",verb=~\"POST|PUT|PATCH|DELETE\",subresource!~\"proxy|attach|log|exec|portforward\"}[$period]))"
      }
    ]
  },
  {
    "name": "apiserver-read-latency",
    "about": "reads that were answered within a second (of a resource), 5 s (of a namespace) or 30 s (of the cluster)",
    "from": "kube-apiserver /metrics",
    "objective": 0.99,
    "params": [
      {
        "name": "job",
        "default": [
          "apiserver",
          "kube-apiserver",
          "kubernetes-apiservers",
          "kubernetes-apiserver"
        ],
        "about": ""
      }
    ],
    "versions": [
      {
        "kubernetes": ">=1.26",
        "component": null,
        "bad": null,
        "good": "sum(increase(apiserver_request_sli_duration_seconds_bucket{job=~\"$job\",verb=~\"GET|LIST\",subresource!~\"proxy|attach|log|exec|portforward\",scope=~\"resource|\",le=~\"1(\\\\.0)?\"}[$period]) or increase(apiserver_request_sli_duration_seconds_bucket{job=~\"$job\",verb=~\"GET|LIST\",subresource!~\"proxy|attach|log|exec|portforward\",scope=\"namespace\",le=~\"5(\\\\.0)?\"}[$period]) or increase(apiserver_request_sli_duration_seconds_bucket{job=~\"$job\",verb=~\"GET|LIST\",subresource!~\"proxy|attach|log|exec|portforward\",scope=\"cluster\",le=~\"30(\\\\.0)?\"}[$period]))",
        "total": "sum(increase(apiserver_request_sli_duration_seconds_count{job=~\"$job\",verb=~\"GET|LIST\",subresource!~\"proxy|attach|log|exec|portforward\",scope=~\"resource|namespace|cluster|\"}[$period]))"
      },
      {
        "kubernetes": ">=1.23 <1.27",
        "component": null,
        "bad": null,
        "good": "sum(increase(apiserver_request_slo_duration_seconds_bucket{job=~\"$job\",verb=~\"GET|LIST\",subresource!~\"proxy|attach|log|exec|portforward\",scope=~\"resource|\",le=~\"1(\\\\.0)?\"}[$period]) or increase(apiserver_request_slo_duration_seconds_bucket{job=~\"$job\",verb=~\"GET|LIST\",subresource!~\"proxy|attach|log|exec|portforward\",scope=\"namespace\",le=~\"5(\\\\.0)?\"}[$period]) or increase(apiserver_request_slo_duration_seconds_bucket{job=~\"$job\",verb=~\"GET|LIST\",subresource!~\"proxy|attach|log|exec|portforward\",scope=\"cluster\",le=~\"30(\\\\.0)?\"}[$period]))",
        "total": "sum(increase(apiserver_request_slo_duration_seconds_count{job=~\"$job\",verb=~\"GET|LIST\",subresource!~\"proxy|attach|log|exec|portforward\",scope=~\"resource|namespace|cluster|\"}[$period]))"
      }
    ]
  },
  {
    "name": "pod-scheduling",
    "about": "pods that were bound to a node within about five seconds of being queued",
    "from": "kube-scheduler /metrics",
    "objective": 0.99,
    "params": [
      {
        "name": "threshold",
        "default": 5.12,
        "about": "seconds; the bound of a bucket (0.01 × 2ⁿ)"
      }
    ],
    "versions": [
      {
        "kubernetes": ">=1.29",
        "component": null,
        "bad": null,
        "good": "sum(increase(scheduler_pod_scheduling_sli_duration_seconds_bucket{le=~\"$threshold(\\\\.0)?\"}[$period]))",
        "total": "sum(increase(scheduler_pod_scheduling_sli_duration_seconds_count[$period]))"
      },
      {
        "kubernetes": ">=1.23 <1.31",
        "component": null,
        "bad": null,
        "good": "sum(increase(scheduler_pod_scheduling_duration_seconds_bucket{le=~\"$threshold(\\\\.0)?\"}[$period]))",
        "total": "sum(increase(scheduler_pod_scheduling_duration_seconds_count[$period]))"
      }
    ]
  },
  {
    "name": "pod-start",
    "about": "pods that ran within five seconds, image pulls and init containers not counted",
    "from": "kubelet /metrics",
    "objective": 0.99,
    "params": [
      {
        "name": "threshold",
        "default": 5,
        "about": "seconds; the bound of a bucket"
      }
    ],
    "versions": [
      {
        "kubernetes": ">=1.25",
        "component": null,
        "bad": null,
        "good": "sum(increase(kubelet_pod_start_sli_duration_seconds_bucket{le=~\"$threshold(\\\\.0)?\"}[$period]))",
        "total": "sum(increase(kubelet_pod_start_sli_duration_seconds_count[$period]))"
      }
    ]
  },
  {
    "name": "etcd-commit",
    "about": "commits of etcd's backend within 32 ms",
    "from": "etcd /metrics",
    "objective": 0.99,
    "params": [
      {
        "name": "threshold",
        "default": 0.032,
        "about": "seconds; the bound of a bucket (0.001 × 2ⁿ)"
      }
    ],
    "versions": [
      {
        "kubernetes": "*",
        "component": ">=3.1",
        "bad": null,
        "good": "sum(increase(etcd_disk_backend_commit_duration_seconds_bucket{le=~\"$threshold(\\\\.0)?\"}[$period]))",
        "total": "sum(increase(etcd_disk_backend_commit_duration_seconds_count[$period]))"
      }
    ]
  },
  {
    "name": "etcd-fsync",
    "about": "writes of etcd's log that reached the disk within 16 ms",
    "from": "etcd /metrics",
    "objective": 0.99,
    "params": [
      {
        "name": "threshold",
        "default": 0.016,
        "about": "seconds; the bound of a bucket (0.001 × 2ⁿ)"
      }
    ],
    "versions": [
      {
        "kubernetes": "*",
        "component": ">=3.1",
        "bad": null,
        "good": "sum(increase(etcd_disk_wal_fsync_duration_seconds_bucket{le=~\"$threshold(\\\\.0)?\"}[$period]))",
        "total": "sum(increase(etcd_disk_wal_fsync_duration_seconds_count[$period]))"
      }
    ]
  },
  {
    "name": "node-readiness",
    "about": "nodes that are Ready, those that are cordoned (ours under work, too) not counted",
    "from": "kube-state-metrics",
    "objective": 0.99,
    "params": [],
    "versions": [
      {
        "kubernetes": "*",
        "component": ">=2.0",
        "bad": "count((kube_node_status_condition{condition=\"Ready\",status=\"true\"} == 0) unless on (node) (kube_node_spec_unschedulable == 1))",
        "good": null,
        "total": "count(kube_node_status_condition{condition=\"Ready\",status=\"true\"} unless on (node) (kube_node_spec_unschedulable == 1))"
      }
    ]
  },
  {
    "name": "workload-availability",
    "about": "replicas of a Deployment that are available",
    "from": "kube-state-metrics",
    "objective": 0.99,
    "params": [
      {
        "name": "namespace",
        "default": null,
        "about": ""
      },
      {
        "name": "workload",
        "default": null,
        "about": "name of the Deployment"
      }
    ],
    "versions": [
      {
        "kubernetes": "*",
        "component": ">=2.0",
        "bad": "sum(sum_over_time(kube_deployment_status_replicas_unavailable{namespace=\"$namespace\",deployment=\"$workload\"}[$period]))",
        "good": null,
        "total": "sum(sum_over_time(kube_deployment_spec_replicas{namespace=\"$namespace\",deployment=\"$workload\"}[$period]))"
      }
    ]
  },
  {
    "name": "statefulset-availability",
    "about": "replicas of a StatefulSet that are ready",
    "from": "kube-state-metrics",
    "objective": 0.99,
    "params": [
      {
        "name": "namespace",
        "default": null,
        "about": ""
      },
      {
        "name": "workload",
        "default": null,
        "about": "name of the StatefulSet"
      }
    ],
    "versions": [
      {
        "kubernetes": "*",
        "component": ">=2.0",
        "bad": null,
        "good": "sum(sum_over_time(kube_statefulset_status_replicas_ready{namespace=\"$namespace\",statefulset=\"$workload\"}[$period]))",
        "total": "sum(sum_over_time(kube_statefulset_replicas{namespace=\"$namespace\",statefulset=\"$workload\"}[$period]))"
      }
    ]
  },
  {
    "name": "ingress-nginx-availability",
    "about": "requests through an Ingress that were not answered with 5xx",
    "from": "ingress-nginx",
    "objective": 0.999,
    "params": [
      {
        "name": "ingress",
        "default": null,
        "about": ""
      }
    ],
    "versions": [
      {
        "kubernetes": "*",
        "component": ">=0.16",
        "bad": "sum(increase(nginx_ingress_controller_requests{ingress=\"$ingress\",status=~\"5..\"}[$period]))",
        "good": null,
        "total": "sum(increase(nginx_ingress_controller_requests{ingress=\"$ingress\"}[$period]))"
      }
    ]
  },
  {
    "name": "ingress-nginx-latency",
    "about": "requests through an Ingress that were answered in time",
    "from": "ingress-nginx",
    "objective": 0.99,
    "params": [
      {
        "name": "ingress",
        "default": null,
        "about": ""
      },
      {
        "name": "threshold",
        "default": 1,
        "about": "seconds; the bound of a bucket"
      }
    ],
    "versions": [
      {
        "kubernetes": "*",
        "component": ">=0.16",
        "bad": null,
        "good": "sum(increase(nginx_ingress_controller_request_duration_seconds_bucket{ingress=\"$ingress\",le=~\"$threshold(\\\\.0)?\"}[$period]))",
        "total": "sum(increase(nginx_ingress_controller_request_duration_seconds_count{ingress=\"$ingress\"}[$period]))"
      }
    ]
  },
  {
    "name": "istio-availability",
    "about": "requests that a workload in the mesh did not answer with 5xx",
    "from": "Istio",
    "objective": 0.999,
    "params": [
      {
        "name": "namespace",
        "default": null,
        "about": ""
      },
      {
        "name": "workload",
        "default": null,
        "about": ""
      }
    ],
    "versions": [
      {
        "kubernetes": "*",
        "component": ">=1.5",
        "bad": "sum(increase(istio_requests_total{reporter=\"destination\",destination_workload_namespace=\"$namespace\",destination_workload=\"$workload\",response_code=~\"5.*\"}[$period]))",
        "good": null,
        "total": "sum(increase(istio_requests_total{reporter=\"destination\",destination_workload_namespace=\"$namespace\",destination_workload=\"$workload\"}[$period]))"
      }
    ]
  },
  {
    "name": "istio-latency",
    "about": "requests that a workload in the mesh answered in time",
    "from": "Istio",
    "objective": 0.99,
    "params": [
      {
        "name": "namespace",
        "default": null,
        "about": ""
      },
      {
        "name": "workload",
        "default": null,
        "about": ""
      },
      {
        "name": "threshold",
        "default": 500,
        "about": "milliseconds; the bound of a bucket"
      }
    ],
    "versions": [
      {
        "kubernetes": "*",
        "component": ">=1.5",
        "bad": null,
        "good": "sum(increase(istio_request_duration_milliseconds_bucket{reporter=\"destination\",destination_workload_namespace=\"$namespace\",destination_workload=\"$workload\",le=~\"$threshold(\\\\.0)?\"}[$period]))",
        "total": "sum(increase(istio_request_duration_milliseconds_count{reporter=\"destination\",destination_workload_namespace=\"$namespace\",destination_workload=\"$workload\"}[$period]))"
      }
    ]
  },
  {
    "name": "linkerd-availability",
    "about": "requests that a Deployment in the mesh answered with success",
    "from": "Linkerd",
    "objective": 0.999,
    "params": [
      {
        "name": "namespace",
        "default": null,
        "about": ""
      },
      {
        "name": "workload",
        "default": null,
        "about": "name of the Deployment"
      }
    ],
    "versions": [
      {
        "kubernetes": "*",
        "component": ">=2.0",
        "bad": "sum(increase(response_total{direction=\"inbound\",namespace=\"$namespace\",deployment=\"$workload\",classification=\"failure\"}[$period]))",
        "good": null,
        "total": "sum(increase(response_total{direction=\"inbound\",namespace=\"$namespace\",deployment=\"$workload\"}[$period]))"
      }
    ]
  },
  {
    "name": "linkerd-latency",
    "about": "requests that a Deployment in the mesh answered in time",
    "from": "Linkerd",
    "objective": 0.99,
    "params": [
      {
        "name": "namespace",
        "default": null,
        "about": ""
      },
      {
        "name": "workload",
        "default": null,
        "about": "name of the Deployment"
      },
      {
        "name": "threshold",
        "default": 500,
        "about": "milliseconds; the bound of a bucket"
      }
    ],
    "versions": [
      {
        "kubernetes": "*",
        "component": ">=2.0",
        "bad": null,
        "good": "sum(increase(response_latency_ms_bucket{direction=\"inbound\",namespace=\"$namespace\",deployment=\"$workload\",le=~\"$threshold(\\\\.0)?\"}[$period]))",
        "total": "sum(increase(response_latency_ms_count{direction=\"inbound\",namespace=\"$namespace\",deployment=\"$workload\"}[$period]))"
      }
    ]
  },
  {
    "name": "gateway-api-istio-availability",
    "about": "requests through a Gateway to a Service that were not answered with 5xx, as Istio's gateway counts them",
    "from": "Istio's gateway (Gateway API)",
    "objective": 0.999,
    "params": [
      {
        "name": "namespace",
        "default": null,
        "about": ""
      },
      {
        "name": "service",
        "default": null,
        "about": ""
      }
    ],
    "versions": [
      {
        "kubernetes": "*",
        "component": ">=1.5",
        "bad": "sum(increase(istio_requests_total{reporter=\"source\",destination_service_namespace=\"$namespace\",destination_service_name=\"$service\",response_code=~\"5.*\"}[$period]))",
        "good": null,
        "total": "sum(increase(istio_requests_total{reporter=\"source\",destination_service_namespace=\"$namespace\",destination_service_name=\"$service\"}[$period]))"
      }
    ]
  },
  {
    "name": "gateway-api-envoy-availability",
    "about": "requests through an HTTPRoute that were not answered with 5xx, as Envoy Gateway counts them",
    "from": "Envoy Gateway (Gateway API)",
    "objective": 0.999,
    "params": [
      {
        "name": "namespace",
        "default": null,
        "about": ""
      },
      {
        "name": "route",
        "default": null,
        "about": "name of the HTTPRoute"
      }
    ],
    "versions": [
      {
        "kubernetes": "*",
        "component": ">=1.0",
        "bad": "sum(increase(envoy_cluster_upstream_rq_xx{envoy_cluster_name=~\"httproute/$namespace/$route/.*\",envoy_response_code_class=\"5\"}[$period]))",
        "good": null,
        "total": "sum(increase(envoy_cluster_upstream_rq_xx{envoy_cluster_name=~\"httproute/$namespace/$route/.*\"}[$period]))"
      }
    ]
  }
];

export const GAUGE_LIBRARY: readonly GaugeDefinition[] = [
  {
    "name": "apiserver-memory",
    "about": "memory that an API server holds, in bytes; the mean of those there are",
    "from": "kube-apiserver /metrics",
    "params": [
      {
        "name": "job",
        "default": [
          "apiserver",
          "kube-apiserver",
          "kubernetes-apiservers",
          "kubernetes-apiserver"
        ],
        "about": ""
      }
    ],
    "versions": [
      {
        "kubernetes": ">=1.17",
        "component": null,
        "query": "avg(process_resident_memory_bytes{job=~\"$job\"})"
      }
    ]
  },
  {
    "name": "apiserver-inflight",
    "about": "requests in work at once, over all API servers",
    "from": "kube-apiserver /metrics",
    "params": [
      {
        "name": "job",
        "default": [
          "apiserver",
          "kube-apiserver",
          "kubernetes-apiservers",
          "kubernetes-apiserver"
        ],
        "about": ""
      }
    ],
    "versions": [
      {
        "kubernetes": ">=1.17",
        "component": null,
        "query": "sum(apiserver_current_inflight_requests{job=~\"$job\"})"
      }
    ]
  },
  {
    "name": "etcd-db-size",
    "about": "size of etcd's database, in bytes; of the member whose is the largest",
    "from": "etcd /metrics",
    "params": [],
    "versions": [
      {
        "kubernetes": "*",
        "component": ">=3.4",
        "query": "max(etcd_mvcc_db_total_size_in_bytes)"
      }
    ]
  },
  {
    "name": "scheduler-pending-pods",
    "about": "pods that wait to be scheduled; of the scheduler that has the most",
    "from": "kube-scheduler /metrics",
    "params": [],
    "versions": [
      {
        "kubernetes": ">=1.15",
        "component": null,
        "query": "max(sum by (instance) (scheduler_pending_pods))"
      }
    ]
  }
];
