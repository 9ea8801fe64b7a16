/** How settings name a place in object storage that speaks S3. */
import { z } from 'zod';

/** A bucket, and a prefix in it; with a key, or without one where the environment or the pod has it. */
export const BucketUrl = z
  .string()
  .max(2000)
  .regex(
    /^s3:\/\/([^/?#]*@)?[a-z0-9][a-z0-9.-]+([/?]|$)/,
    'must be s3://key:secret@bucket/prefix?endpoint=…',
  );
