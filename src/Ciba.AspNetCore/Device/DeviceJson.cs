using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using Ciba.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;

namespace Ciba.AspNetCore.Device;

/// <summary>The JSON of the device API and of the webhook; the problem details only stand in its description.</summary>
[JsonSourceGenerationOptions(DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(DeviceRequestResponse))]
[JsonSerializable(typeof(DeviceRequestResponse[]))]
[JsonSerializable(typeof(DeviceEvent))]
[JsonSerializable(typeof(ApprovalBody))]
[JsonSerializable(typeof(DenialBody))]
[JsonSerializable(typeof(JsonObject))]
[JsonSerializable(typeof(ProblemDetails))]
internal sealed partial class DeviceJson : JsonSerializerContext
{
    public static DeviceJson Relaxed { get; } = new(WireJson.WriteRelaxed());

    /// <summary>Reads what a device sends.</summary>
    public static DeviceJson Strict { get; } = new(WireJson.ReadStrictly());
}
