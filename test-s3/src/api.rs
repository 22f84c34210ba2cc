//! The operations of S3 on [`Objects`]. Knows nothing of faults.

use crate::objects::{Object, Objects, Page, PageOf};
use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use futures::TryStreamExt;
use s3s::dto::{
    AbortMultipartUploadInput, AbortMultipartUploadOutput, CommonPrefix,
    CompleteMultipartUploadInput, CompleteMultipartUploadOutput, CreateMultipartUploadInput,
    CreateMultipartUploadOutput, DeleteObjectInput, DeleteObjectOutput, DeleteObjectsInput,
    DeleteObjectsOutput, DeletedObject, ETag, ETagCondition, GetObjectInput, GetObjectOutput,
    HeadObjectInput, HeadObjectOutput, ListObjectsInput, ListObjectsOutput, ListObjectsV2Input,
    ListObjectsV2Output, Object as ListedObject, PutObjectInput, PutObjectOutput, StreamingBlob,
    Timestamp, UploadPartInput, UploadPartOutput,
};
use s3s::{Body, S3, S3Request, S3Response, S3Result, s3_error};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// The bucket of that name, and no other.
#[derive(Debug, Clone)]
pub(crate) struct Api {
    pub(crate) bucket: String,
    pub(crate) objects: Arc<Objects>,
    /// Keys that a page of a listing holds at most.
    pub(crate) page_keys_max: usize,
}

impl Api {
    fn check(&self, bucket: &str) -> S3Result<&Objects> {
        if bucket == self.bucket {
            Ok(&self.objects)
        } else {
            Err(s3_error!(NoSuchBucket))
        }
    }

    fn find(&self, bucket: &str, key: &str) -> S3Result<Object> {
        self.check(bucket)?
            .get(key)
            .ok_or_else(|| s3_error!(NoSuchKey))
    }

    /// A page of a listing, of no more keys than a page of this server holds.
    fn page(&self, bucket: &str, of: PageOf<'_>) -> S3Result<Page> {
        Ok(self.check(bucket)?.list(PageOf {
            keys_max: of.keys_max.min(self.page_keys_max),
            ..of
        }))
    }
}

/// How many keys a client asks for, if it says so.
fn keys_max(asked: Option<i32>) -> usize {
    asked
        .and_then(|keys| usize::try_from(keys).ok())
        .unwrap_or(usize::MAX)
}

fn listed((key, object): (String, Object)) -> ListedObject {
    ListedObject {
        key: Some(key),
        size: i64::try_from(object.content.len()).ok(),
        e_tag: Some(ETag::Strong(object.etag)),
        last_modified: Some(timestamp(object.modified_ms)),
        ..ListedObject::default()
    }
}

fn folder(prefix: String) -> CommonPrefix {
    CommonPrefix {
        prefix: Some(prefix),
    }
}

#[async_trait]
impl S3 for Api {
    async fn put_object(
        &self,
        request: S3Request<PutObjectInput>,
    ) -> S3Result<S3Response<PutObjectOutput>> {
        let input = request.input;
        let objects = self.check(&input.bucket)?;
        let content = collect(input.body).await?;
        let etag = match input.if_none_match {
            None => objects.put(&input.key, content),
            Some(ETagCondition::Any) => objects
                .create(&input.key, content)
                .ok_or_else(|| s3_error!(PreconditionFailed))?,
            Some(_) => return Err(s3_error!(NotImplemented)),
        };
        Ok(S3Response::new(PutObjectOutput {
            e_tag: Some(ETag::Strong(etag)),
            ..PutObjectOutput::default()
        }))
    }

    async fn get_object(
        &self,
        request: S3Request<GetObjectInput>,
    ) -> S3Result<S3Response<GetObjectOutput>> {
        let input = request.input;
        let object = self.find(&input.bucket, &input.key)?;
        let length = object.content.len();
        let (content, content_range) = match input.range {
            None => (object.content.clone(), None),
            Some(range) => {
                let range = range.check(u64::try_from(length).unwrap_or(u64::MAX))?;
                let at = |at| usize::try_from(at).unwrap_or(usize::MAX);
                let content = object.content.slice(at(range.start)..at(range.end));
                let shown = format!("bytes {}-{}/{length}", range.start, range.end - 1);
                (content, Some(shown))
            }
        };
        Ok(S3Response::new(GetObjectOutput {
            content_length: i64::try_from(content.len()).ok(),
            body: Some(StreamingBlob::from(Body::from(content))),
            content_range,
            e_tag: Some(ETag::Strong(object.etag)),
            last_modified: Some(timestamp(object.modified_ms)),
            ..GetObjectOutput::default()
        }))
    }

    async fn head_object(
        &self,
        request: S3Request<HeadObjectInput>,
    ) -> S3Result<S3Response<HeadObjectOutput>> {
        let object = self.find(&request.input.bucket, &request.input.key)?;
        Ok(S3Response::new(HeadObjectOutput {
            content_length: i64::try_from(object.content.len()).ok(),
            e_tag: Some(ETag::Strong(object.etag)),
            last_modified: Some(timestamp(object.modified_ms)),
            ..HeadObjectOutput::default()
        }))
    }

    async fn list_objects(
        &self,
        request: S3Request<ListObjectsInput>,
    ) -> S3Result<S3Response<ListObjectsOutput>> {
        let input = request.input;
        let page = self.page(
            &input.bucket,
            PageOf {
                prefix: input.prefix.as_deref().unwrap_or(""),
                delimiter: input.delimiter.as_deref(),
                after: input.marker.as_deref(),
                keys_max: keys_max(input.max_keys),
            },
        )?;
        Ok(S3Response::new(ListObjectsOutput {
            max_keys: input.max_keys,
            is_truncated: Some(page.next.is_some()),
            next_marker: page.next,
            contents: Some(page.objects.into_iter().map(listed).collect()),
            common_prefixes: Some(page.folders.into_iter().map(folder).collect()),
            marker: input.marker,
            delimiter: input.delimiter,
            name: Some(input.bucket),
            prefix: input.prefix,
            ..ListObjectsOutput::default()
        }))
    }

    async fn list_objects_v2(
        &self,
        request: S3Request<ListObjectsV2Input>,
    ) -> S3Result<S3Response<ListObjectsV2Output>> {
        let input = request.input;
        let page = self.page(
            &input.bucket,
            PageOf {
                prefix: input.prefix.as_deref().unwrap_or(""),
                delimiter: input.delimiter.as_deref(),
                after: input
                    .continuation_token
                    .as_deref()
                    .or(input.start_after.as_deref()),
                keys_max: keys_max(input.max_keys),
            },
        )?;
        let count = page.objects.len() + page.folders.len();
        Ok(S3Response::new(ListObjectsV2Output {
            key_count: i32::try_from(count).ok(),
            max_keys: input.max_keys,
            is_truncated: Some(page.next.is_some()),
            next_continuation_token: page.next,
            contents: Some(page.objects.into_iter().map(listed).collect()),
            common_prefixes: Some(page.folders.into_iter().map(folder).collect()),
            continuation_token: input.continuation_token,
            delimiter: input.delimiter,
            name: Some(input.bucket),
            prefix: input.prefix,
            ..ListObjectsV2Output::default()
        }))
    }

    async fn delete_object(
        &self,
        request: S3Request<DeleteObjectInput>,
    ) -> S3Result<S3Response<DeleteObjectOutput>> {
        let input = request.input;
        self.check(&input.bucket)?.delete(&input.key);
        Ok(S3Response::new(DeleteObjectOutput::default()))
    }

    async fn delete_objects(
        &self,
        request: S3Request<DeleteObjectsInput>,
    ) -> S3Result<S3Response<DeleteObjectsOutput>> {
        let input = request.input;
        let objects = self.check(&input.bucket)?;
        let deleted = input.delete.objects.into_iter().map(|object| {
            objects.delete(&object.key);
            DeletedObject {
                key: Some(object.key),
                ..DeletedObject::default()
            }
        });
        Ok(S3Response::new(DeleteObjectsOutput {
            deleted: Some(deleted.collect()),
            ..DeleteObjectsOutput::default()
        }))
    }

    async fn create_multipart_upload(
        &self,
        request: S3Request<CreateMultipartUploadInput>,
    ) -> S3Result<S3Response<CreateMultipartUploadOutput>> {
        let input = request.input;
        let upload = self.check(&input.bucket)?.begin_upload();
        Ok(S3Response::new(CreateMultipartUploadOutput {
            bucket: Some(input.bucket),
            key: Some(input.key),
            upload_id: Some(upload),
            ..CreateMultipartUploadOutput::default()
        }))
    }

    async fn upload_part(
        &self,
        request: S3Request<UploadPartInput>,
    ) -> S3Result<S3Response<UploadPartOutput>> {
        let input = request.input;
        let objects = self.check(&input.bucket)?;
        let content = collect(input.body).await?;
        let etag = objects
            .put_part(&input.upload_id, input.part_number, content)
            .ok_or_else(|| s3_error!(NoSuchUpload))?;
        Ok(S3Response::new(UploadPartOutput {
            e_tag: Some(ETag::Strong(etag)),
            ..UploadPartOutput::default()
        }))
    }

    async fn complete_multipart_upload(
        &self,
        request: S3Request<CompleteMultipartUploadInput>,
    ) -> S3Result<S3Response<CompleteMultipartUploadOutput>> {
        let input = request.input;
        let objects = self.check(&input.bucket)?;
        let parts = input.multipart_upload.and_then(|upload| upload.parts);
        let parts: Option<Vec<_>> = parts
            .unwrap_or_default()
            .into_iter()
            .map(|part| Some((part.part_number?, part.e_tag?.into_value())))
            .collect();
        let etag = parts
            .and_then(|parts| objects.finish_upload(&input.key, &input.upload_id, &parts))
            .ok_or_else(|| s3_error!(NoSuchUpload))?;
        Ok(S3Response::new(CompleteMultipartUploadOutput {
            bucket: Some(input.bucket),
            key: Some(input.key),
            e_tag: Some(ETag::Strong(etag)),
            ..CompleteMultipartUploadOutput::default()
        }))
    }

    async fn abort_multipart_upload(
        &self,
        request: S3Request<AbortMultipartUploadInput>,
    ) -> S3Result<S3Response<AbortMultipartUploadOutput>> {
        let input = request.input;
        if self.check(&input.bucket)?.abort_upload(&input.upload_id) {
            Ok(S3Response::new(AbortMultipartUploadOutput::default()))
        } else {
            Err(s3_error!(NoSuchUpload))
        }
    }
}

/// A body whole, before anything of it is applied.
async fn collect(body: Option<StreamingBlob>) -> S3Result<Bytes> {
    let Some(mut body) = body else {
        return Ok(Bytes::new());
    };
    let mut content = BytesMut::new();
    while let Some(chunk) = body
        .try_next()
        .await
        .map_err(|error| s3_error!(IncompleteBody, "{error}"))?
    {
        content.extend_from_slice(&chunk);
    }
    Ok(content.freeze())
}

fn timestamp(ms: u64) -> Timestamp {
    Timestamp::from(SystemTime::UNIX_EPOCH + Duration::from_millis(ms))
}
