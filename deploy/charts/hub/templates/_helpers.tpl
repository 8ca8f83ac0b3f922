{{- define "wavegate-hub.labels" -}}
app.kubernetes.io/name: wavegate-hub
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}

{{- define "wavegate-hub.selector" -}}
app.kubernetes.io/name: wavegate-hub
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "wavegate-hub.image" -}}
{{- if .Values.image.digest }}{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else }}{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}
{{- end }}

{{- define "wavegate-hub.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
fsGroupChangePolicy: OnRootMismatch
seccompProfile: { type: RuntimeDefault }
{{- end }}

{{- define "wavegate-hub.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: { drop: [ALL] }
{{- end }}

{{- define "wavegate-hub.authority" -}}
{{ .Values.authority.existingSecret | default "wavegate-hub-authority" }}
{{- end }}

{{- define "wavegate-hub.databaseSecret" -}}
{{ .Values.database.existingSecret.name | default "wavegate-hub-database" }}
{{- end }}

{{- define "wavegate-hub.databaseKey" -}}
{{ ternary .Values.database.existingSecret.key "url" (ne .Values.database.existingSecret.name "") }}
{{- end }}

{{/* What the schema cannot say, each with what to do. */}}
{{- define "wavegate-hub.check" -}}
{{- $given := compact (list .Values.database.url .Values.database.existingSecret.name (ternary "trial" "" .Values.database.trial.enabled)) }}
{{- if ne (len $given) 1 }}{{ fail (printf "give one database, not %d: database.url, database.existingSecret.name, or for a trial database.trial.enabled=true" (len $given)) }}{{ end }}
{{- if not .Values.agents.gateway }}{{ fail "agents.gateway is missing: HOST:PORT under which agents of other clusters reach this hub's gateway (the load balancer before Service wavegate-hub-agents)" }}{{ end }}
{{- if not .Values.agents.enrolment }}{{ fail "agents.enrolment is missing: HOST:PORT under which agents of other clusters reach this hub's enrolment listener" }}{{ end }}
{{- if and .Values.ingress.enabled (not .Values.ingress.host) }}{{ fail "ingress.host is missing: the name under which people reach the REST API" }}{{ end }}
{{- end }}
