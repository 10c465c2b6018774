namespace Ciba.AspNetCore.Redis.Tests.Hosting;
internal static class Placeholder;
