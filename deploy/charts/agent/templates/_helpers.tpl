{{- define "wavegate-agent.labels" -}}
app.kubernetes.io/name: wavegate-agent
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}

{{- define "wavegate-agent.selector" -}}
app.kubernetes.io/name: wavegate-agent
app.kubernetes.io/component: agent
{{- end }}

{{/* A reference to one image; by digest where one is given. */}}
{{- define "wavegate-agent.image" -}}
{{- if .image.digest }}{{ .image.repository }}@{{ .image.digest }}
{{- else }}{{ .image.repository }}:{{ .image.tag | default .root.Chart.AppVersion }}
{{- end }}
{{- end }}

{{- define "wavegate-agent.agentImage" -}}
{{ include "wavegate-agent.image" (dict "image" .Values.image "root" .) }}
{{- end }}

{{- define "wavegate-agent.nodeImage" -}}
{{ include "wavegate-agent.image" (dict "image" .Values.nodeImage "root" .) }}
{{- end }}

{{- define "wavegate-agent.user" -}}
system:serviceaccount:{{ .Release.Namespace }}:wavegate-agent
{{- end }}

{{/* What pods may be under Pod Security "restricted". */}}
{{- define "wavegate-agent.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
seccompProfile: { type: RuntimeDefault }
{{- end }}

{{- define "wavegate-agent.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: { drop: [ALL] }
{{- end }}

{{- define "wavegate-agent.joinSecret" -}}
{{ .Values.join.existingSecret.name | default "wavegate-agent-join" }}
{{- end }}

{{/* What the schema cannot say, each with what to do. */}}
{{- define "wavegate-agent.check" -}}
{{- $line := "on the hub: `wavegate clusters join NAME` prints the whole helm install line" }}
{{- if not .Values.hub.gateway }}{{ fail (printf "hub.gateway (HOST:PORT) is missing: %s" $line) }}{{ end }}
{{- if not .Values.hub.enrolment }}{{ fail (printf "hub.enrolment (HOST:PORT) is missing: %s" $line) }}{{ end }}
{{- if and (or .Values.join.token .Values.join.existingSecret.name) (not .Values.hub.caSha256) }}{{ fail (printf "hub.caSha256 is missing: the agent sends its join token only to the hub with this CA; %s" $line) }}{{ end }}
{{- if and .Values.join.token .Values.join.existingSecret.name }}{{ fail "join.token and join.existingSecret.name are both set: give one of them" }}{{ end }}
{{- if and (or (hasPrefix "s3://" .Values.backup.to) (hasPrefix "pvc:" .Values.backup.to)) (not .Values.backup.recipients) (not .Values.backup.plaintext) }}{{ fail (printf "backup.to %s: name who may read the backups by backup.recipients (age1…), or say backup.plaintext=true" .Values.backup.to) }}{{ end }}
{{- if ne (empty .Values.externalEtcd.endpoints) (empty .Values.externalEtcd.secret) }}{{ fail "externalEtcd.endpoints and externalEtcd.secret belong together" }}{{ end }}
{{- if and .Values.velero.proof (not .Values.admission.enabled) }}{{ fail "velero.proof needs admission.enabled: without the policy the agent could delete any namespace" }}{{ end }}
{{- if and .Values.velero.proof (not .Values.velero.enabled) }}{{ fail "velero.proof needs velero.enabled" }}{{ end }}
{{- end }}
