#!/bin/sh
# Saves a plan as tfplan, and ends with status 3 if it needs an approval.
set -eu

terraform plan -input=false -json -out=tfplan >plan.jsonl || {
  grep '"@level":"error"' plan.jsonl
  exit 1
}
terraform show tfplan
found=0
grep -F -f needs-approval.txt plan.jsonl || found=$?
case $found in
  0) echo "This plan needs an approval." && exit 3 ;;
  1) echo "This plan needs no approval." ;;
  *) exit 1 ;;
esac
