{{/* What the programs are. These are facts of the code, not options. */}}
{{- define "vigie.facts" -}}
intake:
  # Whose logs it follows, at their internal listeners.
  producers: [qualification]
  masterKey: true
qualification:
  producers: [intake]
  masterKey: true
notification:
  producers: [intake, qualification]
  masterKey: true
statistics:
  producers: [intake, qualification]
  # Nothing there may open personal data.
  masterKey: false
{{- end }}

{{/* What people and programs may call from outside, by service. */}}
{{- define "vigie.contracts" -}}
{{- .Files.Get "files/contracts.yaml" }}
{{- end }}

{{- define "vigie.ports" -}}
public: 8080
internal: 8443
metrics: 9090
{{- end }}

{{/* Cut so that the longest name below it still is a DNS label. */}}
{{- define "vigie.fullname" -}}
{{- if contains "vigie" .Release.Name }}{{ .Release.Name | trunc 30 | trimSuffix "-" }}
{{- else }}{{ printf "%s-vigie" .Release.Name | trunc 30 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{/* Labels that select Pods: of the release, and of a component when one is given. */}}
{{- define "vigie.selector" -}}
app.kubernetes.io/name: vigie
app.kubernetes.io/instance: {{ .root.Release.Name }}
{{- with .component }}
app.kubernetes.io/component: {{ . }}
{{- end }}
{{- end }}

{{- define "vigie.labels" -}}
{{ include "vigie.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version }}
{{- end }}

{{- define "vigie.image" -}}
{{- $name := eq .image "cli" | ternary "vigie" (printf "vigie-%s" .image) }}
{{- with index .root.Values.image.digests .image }}
{{- printf "%s/%s@%s" $.root.Values.image.registry $name . }}
{{- else }}
{{- printf "%s/%s:%s" .root.Values.image.registry $name (.root.Values.image.tag | default .root.Chart.AppVersion) }}
{{- end }}
{{- end }}

{{/* Findings of a scanner that do not hold, each with its reason. */}}
{{- define "vigie.scanNotes" -}}
{{- if not (index .root.Values.image.digests .image) }}
checkov.io/skip1: >-
  CKV_K8S_43=A digest is known once the images are pushed; set image.digests then.
{{- end }}
{{- if ne .root.Values.image.pullPolicy "Always" }}
checkov.io/skip2: >-
  CKV_K8S_15=A Pod must start again while the registry is away; tags are not moved.
{{- end }}
{{- end }}

{{/* Pod Security "restricted", in full. */}}
{{- define "vigie.podSecurity" -}}
runAsNonRoot: true
runAsUser: {{ .user }}
runAsGroup: {{ .user }}
fsGroup: {{ .user }}
fsGroupChangePolicy: OnRootMismatch
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{- define "vigie.containerSecurity" -}}
allowPrivilegeEscalation: false
privileged: false
readOnlyRootFilesystem: true
runAsNonRoot: true
capabilities:
  drop: [ALL]
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{/* What all Pods of the suite's programs share. */}}
{{- define "vigie.podCommon" -}}
serviceAccountName: {{ include "vigie.fullname" .root }}-{{ .component }}
automountServiceAccountToken: false
# The variables that Kubernetes makes of Services, as NOTIFICATION_PORT, would be read
# as settings.
enableServiceLinks: false
{{- with .root.Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
securityContext:
  {{- include "vigie.podSecurity" (dict "user" 65532) | nindent 2 }}
{{- with .root.Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .root.Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .root.Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* DATABASE_*, with the address in a file below. */}}
{{- define "vigie.databaseEnv" -}}
- {name: DATABASE_URL_FILE, value: /etc/vigie/database/url}
- {name: DATABASE_SCHEMA, value: {{ .service }}}
{{- end }}

{{/* The address of one of the service's Secrets, and who signed the server's certificate. */}}
{{- define "vigie.databaseFiles" -}}
{{- $v := .root.Values }}
{{- $authority := $v.database.caSecret }}
{{- if and $v.database.cloudNativePG.enabled (not $authority) }}
{{- $authority = printf "%s-postgres-ca" (include "vigie.fullname" .root) }}
{{- end -}}
- secret:
    name: {{ .secret }}
    items: [{key: url, path: database/url}]
{{- with $authority }}
# Only the certificate: the operator's Secret also holds the key of the authority.
- secret:
    name: {{ . }}
    items: [{key: ca.crt, path: database/ca.crt}]
{{- end }}
{{- end }}

{{/* Whether anything is done each night. */}}
{{- define "vigie.nightly" -}}
{{- if or .Values.verification.enabled .Values.retention.contactsDays }}yes{{ end }}
{{- end }}

{{/* The fewest Pods that a service has. */}}
{{- define "vigie.fewest" -}}
{{- $service := index .root.Values.services .service }}
{{- if include "vigie.scaler" . }}{{ $service.autoscaling.minReplicas }}{{ else }}{{ $service.replicas }}{{ end }}
{{- end }}

{{/* What scales a service: `lag`, `cpu` or nothing. Two would pull at one Deployment. */}}
{{- define "vigie.scaler" -}}
{{- $service := index .root.Values.services .service }}
{{- if and .root.Values.autoscaling.lag.enabled $service.autoscaling.lagEvents }}lag
{{- else if .root.Values.autoscaling.cpu.enabled }}cpu
{{- end }}
{{- end }}

{{/*
How many Pods of a service run, as long as no scaler has set the number: from then on the
scaler owns it, and Helm may not set another. Nothing where there is no cluster to ask.
*/}}
{{- define "vigie.livePods" -}}
{{- with lookup "apps/v1" "Deployment" .root.Release.Namespace (printf "%s-%s" (include "vigie.fullname" .root) .service) }}
{{- $taken := false }}
{{- range .metadata.managedFields }}{{ if eq (default "" .subresource) "scale" }}{{ $taken = true }}{{ end }}{{ end }}
{{- if not $taken }}{{ .spec.replicas }}{{ end }}
{{- end }}
{{- end }}

{{/* Whether the chart itself makes the database: then no hook can run before it. */}}
{{- define "vigie.ownDatabase" -}}
{{- if or .Values.evaluation.enabled .Values.database.cloudNativePG.enabled }}yes{{ end }}
{{- end }}

{{/*
What brings the schemas up to date: `jobs` before the objects of an installation or an upgrade,
or `pods`, each before it serves, where the chart makes the database; or nothing.
*/}}
{{- define "vigie.migrations" -}}
{{- if .Values.migrations.enabled }}{{ if include "vigie.ownDatabase" . }}pods{{ else }}jobs{{ end }}{{ end }}
{{- end }}

{{- define "vigie.migrationHook" -}}
helm.sh/hook: pre-install,pre-upgrade
helm.sh/hook-weight: {{ .weight | quote }}
helm.sh/hook-delete-policy: {{ .delete }}
{{- end }}

{{/* The container that brings the schema of a service up to date, and its files. */}}
{{- define "vigie.migrationContainer" -}}
image: {{ include "vigie.image" (dict "root" .root "image" .service) }}
imagePullPolicy: {{ .root.Values.image.pullPolicy }}
args: [migrate]
env:
  {{- include "vigie.databaseEnv" . | nindent 2 }}
resources:
  requests: {cpu: 50m, memory: 64Mi}
  limits: {cpu: "1", memory: 256Mi}
securityContext:
  {{- include "vigie.containerSecurity" .root | nindent 2 }}
volumeMounts:
  - {name: migration, mountPath: /etc/vigie, readOnly: true}
{{- end }}

{{- define "vigie.migrationVolume" -}}
projected:
  defaultMode: 0440
  sources:
    {{- include "vigie.databaseFiles" (dict "root" .root "secret" (index .root.Values.services .service).secrets.migration) | trim | nindent 4 }}
{{- end }}

{{/* Who may call at the public listeners: through which proxies, if any. */}}
{{- define "vigie.routed" -}}
{{- if or .Values.ingress.enabled .Values.gateway.enabled }}yes{{ end }}
{{- end }}

{{/* Findings of a scanner that a trial lives with. */}}
{{- define "vigie.trialNotes" -}}
checkov.io/skip1: CKV_K8S_43=Images of a trial follow their tags, so that they are mended without us.
checkov.io/skip2: CKV_K8S_40=The images were made for the user 999.
checkov.io/skip3: CKV_K8S_15=Images of a trial are not pulled at each start.
{{- end }}
