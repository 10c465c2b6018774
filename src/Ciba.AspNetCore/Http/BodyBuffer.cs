namespace Ciba.AspNetCore.Http;

/// <summary>Reads a body into memory that grows with the bytes that have arrived, whatever length the sender announced.</summary>
internal static class BodyBuffer
{
    private const int FirstSize = 4096;

    /// <summary>Reads to the end of the body, but at most one byte more than <paramref name="maxLength"/>: then it is longer.</summary>
    public static async ValueTask<ArraySegment<byte>> ReadAsync(Stream body, long? announced, int maxLength, CancellationToken cancellationToken)
    {
        // One byte more than a short body needs, so that its end is seen without another buffer.
        var buffer = new byte[announced is { } length && length < FirstSize ? length + 1 : FirstSize];
        var count = 0;
        while (count <= maxLength)
        {
            if (count == buffer.Length)
            {
                Array.Resize(ref buffer, Math.Min(count * 2, maxLength + 1));
            }

            var read = await body.ReadAsync(buffer.AsMemory(count), cancellationToken);
            if (read == 0)
            {
                break;
            }

            count += read;
        }

        return new ArraySegment<byte>(buffer, 0, count);
    }
}
