#!/bin/sh
# Saves a plan as tfplan, and ends with status 3 if it needs an approval.
set -eu

terraform plan -input=false -json -out=tfplan >plan.jsonl || {
  grep '"@level":"error"' plan.jsonl
  exit 1
}
terraform show tfplan
if grep -F -f needs-approval.txt plan.jsonl; then
  echo "This plan needs an approval."
  exit 3
fi
