{{- define "isagate.selector" -}}
app.kubernetes.io/name: isagate
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: gateway
{{- end }}

{{- define "isagate.labels" -}}
app.kubernetes.io/name: isagate
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{- /* The configuration file. */ -}}
{{- define "isagate.configuration" -}}
{{- $drain := dict "drain" (dict "grace" (printf "%ds" (int .Values.drain.graceSeconds))) -}}
{{- mustMergeOverwrite (deepCopy .Values.configuration) $drain | toYaml -}}
{{- end }}

{{- define "isagate.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
seccompProfile: { type: RuntimeDefault }
{{- end }}

{{- define "isagate.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: { drop: [ALL] }
{{- end }}

{{- /* The pod that makes and rotates ticket keys; `arguments` follow the script. */ -}}
{{- define "isagate.rotation" -}}
metadata:
  labels:
    {{- include "isagate.labels" .root | nindent 4 }}
    app.kubernetes.io/component: ticket-keys
spec:
  serviceAccountName: {{ .root.Release.Name }}-ticket-keys
  automountServiceAccountToken: true
  enableServiceLinks: false
  restartPolicy: Never
  securityContext:
    {{- include "isagate.podSecurity" .root | nindent 4 }}
  {{- with .root.Values.imagePullSecrets }}
  imagePullSecrets:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  containers:
    - name: rotate
      image: {{ .root.Values.ticketKeys.image | quote }}
      command: {{ concat (list "python3" "/scripts/rotate.py") .arguments | toJson }}
      env:
        - { name: SECRET, value: {{ .root.Release.Name }}-ticket-keys }
      resources:
        requests: { cpu: 10m, memory: 32Mi }
        limits: { cpu: 500m, memory: 128Mi }
      securityContext:
        {{- include "isagate.containerSecurity" .root | nindent 8 }}
      volumeMounts:
        - { name: scripts, mountPath: /scripts, readOnly: true }
  volumes:
    - name: scripts
      configMap: { name: {{ .root.Release.Name }}-ticket-rotation }
{{- end }}
