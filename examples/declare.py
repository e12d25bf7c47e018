import sys, uuid, grpc
from google.protobuf.timestamp_pb2 import Timestamp
from vigie.intake.v1 import intake_service_pb2, intake_service_pb2_grpc, report_pb2

now = Timestamp(); now.GetCurrentTime()
draft = report_pb2.ReportDraft(kind="REPORT_KIND_INCIDENT", capacity="DECLARANT_CAPACITY_DIRECTOR", found_at=now,
    structure={"finess": "340782085"}, declarant={"family_name": "Martin", "email": "direction@example.org"},
    description="Messagerie indisponible depuis ce matin", origin="ORIGIN_NON_MALICIOUS")
intake = intake_service_pb2_grpc.IntakeServiceStub(grpc.insecure_channel("127.0.0.1:7411"))
request = intake_service_pb2.SubmitReportRequest(request_id=str(uuid.uuid4()), draft=draft)
print(intake.SubmitReport(request, metadata=[("authorization", f"Bearer {sys.argv[1]}")]).receipt)
